package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Plans beside a placement that runs. */
final class ReplanTest {
  private static final long TOKENS = 1000;
  private static final MemoryNeeds NEEDS = new MemoryNeeds(TOKENS, KvType.F32, 8, 4);
  private static final ModelCosts MODEL = new RandomClusters(1).model(24);
  private static final ClusterPlanner PLANNER = new ClusterPlanner(MODEL, NEEDS, 0);

  private static NodeOffer node(String name, double speed) {
    return new NodeOffer(
        name,
        1L << 40,
        1,
        Map.of(GgmlType.F32, new KernelRate(speed, 2 * speed)),
        Map.of("a", 100_000L, "b", 100_000L, "c", 100_000L));
  }

  @Test
  void shouldReCutWhenAFasterNodeHasJoined() {
    List<NodeOffer> two = List.of(node("a", 1e9), node("b", 1e9));
    List<PlacedRange> running = PLANNER.plan(two).placed();
    List<NodeOffer> three = List.of(node("a", 1e9), node("b", 1e9), node("c", 4e9));

    ClusterPlan plan = PLANNER.replan(three, running);

    assertThat(plan.kept()).isFalse();
    assertThat(sizeOf(plan, "c")).isGreaterThan(sizeOf(plan, "a")).isGreaterThan(12);
    ClusterPlan before = PLANNER.appraise(three, running).orElseThrow();
    assertThat(plan.periodNanos()).isLessThan(before.periodNanos());
    assertThat(PLANNER.replan(three, plan.placed()).placed())
        .as("and once only")
        .isEqualTo(plan.placed());
  }

  private static int sizeOf(ClusterPlan plan, String node) {
    return plan.placed().stream()
        .filter(p -> p.node().equals(node))
        .mapToInt(p -> p.range().size())
        .sum();
  }

  @Property(tries = 50)
  void shouldLeaveWhatLiesWellWhereItIs(
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed) {
    RandomClusters clusters = new RandomClusters(seed);
    ModelCosts model = clusters.model(12);
    List<NodeOffer> nodes = clusters.nodes(4, model, TOKENS, 6);
    ClusterPlanner planner = new ClusterPlanner(model, NEEDS, 0);
    ClusterPlan plan;
    try {
      plan = planner.plan(nodes);
    } catch (PlacementException _) {
      return;
    }

    ClusterPlan again = planner.replan(nodes, plan.placed());

    assertThat(again.placed()).isEqualTo(plan.placed());
    assertThat(again.stages()).allMatch(stage -> stage.movedBytes() == 0);
    ClusterPlan appraised = planner.appraise(nodes, plan.placed()).orElseThrow();
    assertThat(appraised.placed()).isEqualTo(plan.placed());
    assertThat(appraised.periodNanos()).isEqualTo(plan.periodNanos());
    assertThat(appraised.tokensThatFit()).isEqualTo(plan.tokensThatFit());
  }

  @Test
  void shouldAppraiseOnlyAPlacementThatIsThere() {
    List<NodeOffer> nodes = List.of(node("a", 1e9), node("b", 1e9));
    List<PlacedRange> running =
        List.of(
            new PlacedRange("b", new LayerRange(0, 20)),
            new PlacedRange("a", new LayerRange(20, 24)));

    ClusterPlan plan = PLANNER.appraise(nodes, running).orElseThrow();

    assertThat(plan.placed()).isEqualTo(running);
    assertThat(plan.why()).contains("24 layers over 2 of 2 nodes. ").doesNotContain("best");
    assertThat(PLANNER.appraise(nodes.subList(0, 1), running)).isEmpty();
    assertThat(PLANNER.appraise(nodes, running.subList(0, 1))).isEmpty();
  }

  @Test
  void shouldTakeACoreThatWasNotMeasuredForTheSlowestThatWas() {
    Map<GgmlType, KernelRate> measured = Map.of(GgmlType.Q8_0, new KernelRate(8e9, 4e10));
    List<NodeOffer> nodes =
        List.of(
            new NodeOffer("a", 1, 4, measured, Map.of()),
            NodeOffer.unmeasured("b", 1, 2),
            new NodeOffer("c", 1, 2, measured, Map.of()));

    List<NodeOffer> filled = MeasuredSpeeds.fill(nodes);

    assertThat(filled.get(0)).isEqualTo(nodes.get(0));
    assertThat(filled.get(1).speeds()).isEqualTo(Map.of(GgmlType.Q8_0, new KernelRate(4e9, 2e10)));
    List<NodeOffer> none = new ArrayList<>(List.of(nodes.get(1)));
    assertThat(MeasuredSpeeds.fill(none)).isEqualTo(none);
  }
}
