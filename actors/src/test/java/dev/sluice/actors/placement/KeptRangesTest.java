package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Lost ranges on spares, against all ways to share them out. */
final class KeptRangesTest {
  private static final long TOKENS = 1000;
  private static final MemoryNeeds NEEDS = new MemoryNeeds(TOKENS, KvType.F32, 8, 4);
  private static final int LAYERS = 12;

  @Property(tries = 150)
  void shouldGiveLostRangesToSparesAsWellAsCanBe(
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed) {
    Random random = new Random(seed);
    RandomClusters clusters = new RandomClusters(seed);
    ModelCosts model = clusters.model(LAYERS);
    int stages = 1 + random.nextInt(4);
    int lost = random.nextInt(stages + 1);
    int spares = random.nextInt(4);
    List<NodeOffer> all = clusters.nodes(stages + spares, model, TOKENS, 6);
    List<PlacedRange> previous = cut(all.subList(0, stages), random);
    List<NodeOffer> left = all.subList(lost, all.size());
    NodeCosts costs = new NodeCosts(model, NEEDS, left);

    Optional<Arrangement> kept = new KeptRanges(costs, TOKENS).of(previous);

    long best = best(costs, previous, lost, stages - lost, new boolean[left.size()], 0);
    boolean othersFit =
        previous.subList(lost, stages).stream()
            .allMatch(p -> fits(costs, previous.indexOf(p) - lost, p.range()));
    if (!othersFit || best == Long.MAX_VALUE) {
      assertThat(kept).isEmpty();
      return;
    }
    Arrangement arrangement = kept.orElseThrow();
    long slowest = 0;
    for (int stage = 0; stage < stages; stage++) {
      LayerRange range = previous.get(stage).range();
      int node = arrangement.nodes()[stage];
      assertThat(arrangement.cuts()[stage]).isEqualTo(range.first());
      assertThat(fits(costs, node, range)).isTrue();
      if (stage >= lost) {
        assertThat(node).isEqualTo(stage - lost);
      } else {
        slowest = Math.max(slowest, costs.nanos(node, range.first(), range.end()));
      }
    }
    assertThat(arrangement.nodes()).doesNotHaveDuplicates();
    assertThat(slowest).isEqualTo(best);
  }

  @Test
  void shouldNotKeepRangesOfAnotherModel() {
    ModelCosts model = new RandomClusters(1).model(LAYERS);
    List<NodeOffer> nodes = List.of(NodeOffer.unmeasured("a", 1L << 40, 1));
    KeptRanges ranges = new KeptRanges(new NodeCosts(model, NEEDS, nodes), TOKENS);

    assertThat(ranges.of(List.of(new PlacedRange("a", new LayerRange(0, LAYERS))))).isPresent();
    assertThat(ranges.of(List.of(new PlacedRange("a", new LayerRange(0, 9))))).isEmpty();
    assertThat(ranges.of(List.of(new PlacedRange("a", new LayerRange(1, LAYERS))))).isEmpty();
    assertThat(ranges.of(List.of())).isEmpty();
  }

  /** The first nodes in order, with random cuts. */
  private static List<PlacedRange> cut(List<NodeOffer> nodes, Random random) {
    List<PlacedRange> placed = new ArrayList<>();
    int first = 0;
    for (int i = 0; i < nodes.size(); i++) {
      int most = LAYERS - (nodes.size() - 1 - i);
      int end = i == nodes.size() - 1 ? LAYERS : first + 1 + random.nextInt(most - first);
      placed.add(new PlacedRange(nodes.get(i).name(), new LayerRange(first, end)));
      first = end;
    }
    return placed;
  }

  /** The fastest slowest of the first {@code lost} ranges on spares, tried one by one. */
  private static long best(
      NodeCosts costs, List<PlacedRange> ranges, int lost, int firstSpare, boolean[] used, int at) {
    if (at == lost) {
      return 0;
    }
    LayerRange range = ranges.get(at).range();
    long best = Long.MAX_VALUE;
    for (int spare = firstSpare; spare < used.length; spare++) {
      if (!used[spare] && fits(costs, spare, range)) {
        used[spare] = true;
        long rest = best(costs, ranges, lost, firstSpare, used, at + 1);
        best = Math.min(best, Math.max(rest, costs.nanos(spare, range.first(), range.end())));
        used[spare] = false;
      }
    }
    return best;
  }

  private static boolean fits(NodeCosts costs, int node, LayerRange range) {
    return costs.tokensThatFit(node, range.first(), range.end()) >= TOKENS;
  }
}
