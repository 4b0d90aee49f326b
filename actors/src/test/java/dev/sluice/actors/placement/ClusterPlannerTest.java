package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Plans against all orders, subsets and cuts, tried one by one; and what people are told. */
final class ClusterPlannerTest {
  private static final long TOKENS = 1000;
  private static final MemoryNeeds NEEDS = new MemoryNeeds(TOKENS, KvType.F32, 8, 4);

  @Test
  void shouldShareLayersOutEvenlyOverEqualNodes() {
    ClusterPlan plan = plan(uniform(22, 0), nodes(3, 1L << 40));

    assertThat(plan.ranges()).extracting(LayerRange::size).containsExactlyInAnyOrder(7, 7, 8);
    assertThat(plan.spares()).isEmpty();
    assertThat(plan.why()).contains("22 layers over 3 of 3 nodes", "fit at once");
  }

  @Test
  void shouldGiveFasterNodesMoreLayers() {
    List<NodeOffer> nodes = List.of(node("fast", 1L << 40, 3e9), node("slow", 1L << 40, 1e9));
    ClusterPlan plan = plan(uniform(24, 0), nodes);

    assertThat(rangeOf(plan, "fast").size()).isEqualTo(18);
    assertThat(rangeOf(plan, "slow").size()).isEqualTo(6);
  }

  @Test
  void shouldCountTheHeadForTheLastStage() {
    // The head counts as much as four layers, for generated tokens only.
    ClusterPlan plan = plan(uniform(20, 4), nodes(2, 1L << 40));

    assertThat(plan.stages().getLast().plan().head()).isTrue();
    assertThat(plan.stages().getLast().plan().range().size()).isLessThan(10);
  }

  @Test
  void shouldLeaveOutNodeThatMakesNothingFaster() {
    // Four layers on two nodes: two each; a third would take one of them and add a hop.
    ClusterPlan plan = plan(uniform(4, 0), nodes(3, 1L << 40));

    assertThat(plan.stages()).hasSize(2);
    assertThat(plan.spares()).hasSize(1);
    assertThat(plan.spares().getFirst().reason()).contains("less than 5 % faster");
  }

  @Test
  void shouldLeaveOutNodeThatIsTooSlowForALayer() {
    List<NodeOffer> nodes = new ArrayList<>(nodes(2, 1L << 40));
    nodes.add(node("snail", 1L << 40, 1e7));
    ClusterPlan plan = plan(uniform(20, 0), nodes);

    assertThat(plan.spares()).extracting(Spare::node).containsExactly("snail");
  }

  @Test
  void shouldUseAsManyStagesAsAreWanted() {
    ModelCosts model = uniform(4, 0);
    List<NodeOffer> nodes = nodes(4, 1L << 40);
    for (int stages = 1; stages <= 4; stages++) {
      assertThat(new ClusterPlanner(model, NEEDS, stages).plan(nodes).stages()).hasSize(stages);
    }
    assertThatThrownBy(() -> new ClusterPlanner(model, NEEDS, 5).plan(nodes))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("ask for at most 4 stages");
  }

  @Test
  void shouldNotCrossTheSlowLinkTwice() {
    // Two nodes here, two there; each order but one kind crosses more than there and back.
    List<NodeOffer> nodes = new ArrayList<>();
    List<String> names = List.of("here-1", "there-1", "here-2", "there-2");
    for (String name : names) {
      Map<String, Long> trips = new HashMap<>();
      for (String other : names) {
        if (!other.equals(name)) {
          boolean near = other.substring(0, 4).equals(name.substring(0, 4));
          trips.put(other, near ? 100_000L : 20_000_000L);
        }
      }
      nodes.add(
          new NodeOffer(
              name, 6_000_000_000L, 1, Map.of(GgmlType.F32, new KernelRate(1e9, 4e9)), trips));
    }
    ClusterPlan plan = plan(uniform(20, 0), nodes);

    assertThat(plan.stages()).hasSize(4);
    assertThat(plan.stages().stream().filter(s -> s.hopNanos() == 10_000_000L)).hasSize(2);
  }

  @Test
  void shouldNotLetASmallStageCapTheTokens() {
    // Both memories hold ten layers, but the small one would have room for next to no tokens.
    ModelCosts model = uniform(20, 0);
    long layer = model.layerBytes()[0];
    List<NodeOffer> nodes =
        List.of(node("large", 40 * layer, 1e9), node("small", 10 * layer + 20_000_000, 1e9));
    MemoryNeeds few = new MemoryNeeds(1000, KvType.F32, 0, 0);
    MemoryNeeds many = new MemoryNeeds(20_000, KvType.F32, 0, 0);

    ClusterPlan plan = new ClusterPlanner(model, few, 0).plan(nodes);
    assertThat(plan.tokensThatFit()).isGreaterThanOrEqualTo(1000);
    ClusterPlan roomy = new ClusterPlanner(model, many, 0).plan(nodes);
    assertThat(roomy.tokensThatFit()).isGreaterThanOrEqualTo(20_000);
    assertThat(rangeOf(roomy, "small").size()).isLessThan(rangeOf(plan, "small").size());
  }

  @Test
  void shouldSayWhichNodeLacksHowManyBytes() {
    ModelCosts model = uniform(4, 0);
    long layer = model.layerBytes()[0];
    List<NodeOffer> nodes = List.of(node("a", 2 * layer, 1e9), node("b", 2 * layer - 77, 1e9));
    ClusterPlanner planner = new ClusterPlanner(model, MemoryNeeds.WEIGHTS_ONLY, 0);

    assertThatThrownBy(() -> planner.plan(nodes))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("node b lacks 77 bytes")
        .hasMessageContaining("not even weights and buffers fit");
    assertThatThrownBy(() -> planner.plan(List.of())).isInstanceOf(PlacementException.class);
    assertThatThrownBy(() -> planner.plan(List.of(nodes.get(0), nodes.get(0))))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("Two nodes are called a");
  }

  @Test
  void shouldSayHowManyTokensWouldFit() {
    ModelCosts model = uniform(4, 0);
    long layer = model.layerBytes()[0];
    long perToken = model.layerKvBytes()[0];
    List<NodeOffer> nodes = List.of(node("a", 4 * layer + 4 * perToken * 500 + 3, 1e9));
    MemoryNeeds needs = new MemoryNeeds(4096, KvType.F32, 0, 0);

    assertThatThrownBy(() -> new ClusterPlanner(model, needs, 0).plan(nodes))
        .isInstanceOf(PlacementException.class)
        .hasMessageContaining("node a lacks")
        .hasMessageContaining("500 would fit");
  }

  @Test
  void shouldGiveALostRangeToASpare() {
    ModelCosts model = uniform(12, 0);
    List<NodeOffer> nodes = nodes(4, 1L << 40);
    ClusterPlanner planner = new ClusterPlanner(model, NEEDS, 0);
    ClusterPlan before = new ClusterPlanner(model, NEEDS, 3).plan(nodes);
    String lost = before.stages().get(1).node();
    String spare = before.spares().getFirst().node();
    List<NodeOffer> left = nodes.stream().filter(n -> !n.name().equals(lost)).toList();

    ClusterPlan after = planner.plan(left, before.placed());

    assertThat(after.kept()).isTrue();
    assertThat(after.ranges()).isEqualTo(before.ranges());
    assertThat(after.stages().get(1).node()).isEqualTo(spare);
    assertThat(after.stages().get(0).node()).isEqualTo(before.stages().get(0).node());
    assertThat(after.stages().get(2).node()).isEqualTo(before.stages().get(2).node());
    assertThat(after.stages().get(0).movedBytes()).isZero();
    assertThat(after.stages().get(1).movedBytes())
        .isEqualTo(after.stages().get(1).plan().weightBytes());
  }

  @Test
  void shouldCutAnewWithoutASpareAndMoveLittle() {
    ModelCosts model = uniform(12, 0);
    List<NodeOffer> nodes = nodes(3, 1L << 40);
    ClusterPlan before = plan(model, nodes);
    String lost = before.stages().getLast().node();
    List<NodeOffer> left = nodes.stream().filter(n -> !n.name().equals(lost)).toList();

    ClusterPlan after = new ClusterPlanner(model, NEEDS, 0).plan(left, before.placed());

    assertThat(after.kept()).isFalse();
    assertThat(after.ranges()).containsExactly(new LayerRange(0, 6), new LayerRange(6, 12));
    // The first stage keeps its four layers and takes two; the other keeps two and takes four.
    assertThat(after.stages())
        .extracting(PlacedStage::node)
        .containsExactly(before.stages().get(0).node(), before.stages().get(1).node());
  }

  @Test
  void shouldCutAnewWhereTheSpareIsMuchTooSlow() {
    ModelCosts model = uniform(12, 0);
    List<NodeOffer> nodes = new ArrayList<>(nodes(3, 1L << 40));
    ClusterPlan before = plan(model, nodes);
    nodes.removeIf(n -> n.name().equals(before.stages().get(1).node()));
    nodes.add(node("snail", 1L << 40, 1e7));

    ClusterPlan after = new ClusterPlanner(model, NEEDS, 0).plan(nodes, before.placed());

    assertThat(after.kept()).isFalse();
    assertThat(after.spares()).extracting(Spare::node).containsExactly("snail");
  }

  @Test
  void shouldChangeNothingWhereNothingWasLost() {
    ModelCosts model = uniform(12, 0);
    List<NodeOffer> nodes = nodes(5, 1L << 40);
    ClusterPlan before = new ClusterPlanner(model, NEEDS, 3).plan(nodes);

    ClusterPlan after = new ClusterPlanner(model, NEEDS, 0).plan(nodes, before.placed());

    assertThat(after.placed()).isEqualTo(before.placed());
    assertThat(after.stages()).allMatch(stage -> stage.movedBytes() == 0);
  }

  @Property(tries = 150)
  void shouldBeTheBestOfAllArrangements(
      @ForAll @IntRange(min = 1, max = 6) int layers,
      @ForAll @IntRange(min = 1, max = 4) int count,
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed) {
    RandomClusters clusters = new RandomClusters(seed);
    ModelCosts model = clusters.model(layers);
    List<NodeOffer> nodes = clusters.nodes(count, model, TOKENS, 1.5);
    List<Arrangement> all = allArrangements(layers, count);
    NodeCosts costs = new NodeCosts(model, NEEDS, nodes);
    PlacementSearch search = new PlacementSearch(costs, new SubsetSearch(layers, count, 0), TOKENS);
    Optional<Arrangement> best =
        all.stream()
            .filter(a -> search.tokens(a) >= TOKENS)
            .min(Comparator.comparingLong(search::period));
    ClusterPlanner planner = new ClusterPlanner(model, NEEDS, 0);
    if (best.isEmpty()) {
      assertThatThrownBy(() -> planner.plan(nodes))
          .isInstanceOf(PlacementException.class)
          .hasMessageMatching("(?s).*node \\S+ lacks \\d+ bytes.*");
      return;
    }
    long shortest = search.period(best.get());
    assertThat(search.shortestPeriod().map(search::period)).contains(shortest);
    long limit = (long) (shortest * PlacementSearch.SLACK);
    long most =
        all.stream()
            .filter(a -> search.period(a) <= limit)
            .mapToLong(search::tokens)
            .max()
            .orElseThrow();
    ClusterPlan plan = planner.plan(nodes);
    assertCovers(plan, layers);
    assertThat(plan.periodNanos()).isBetween(shortest, limit);
    assertThat(plan.tokensThatFit())
        .isGreaterThanOrEqualTo(Math.min(most, TOKENS * PlacementSearch.ROOMY));
    for (PlacedStage stage : plan.stages()) {
      assertThat(stage.plan().totalBytes()).isLessThanOrEqualTo(stage.memoryBytes());
    }
    assertThat(plan.stages().size() + plan.spares().size()).isEqualTo(count);
  }

  @Property(tries = 50)
  void shouldNotDependOnTheOrderInWhichNodesAreGiven(
      @ForAll @IntRange(min = 2, max = 7) int count,
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed) {
    RandomClusters clusters = new RandomClusters(seed);
    ModelCosts model = clusters.model(10);
    List<NodeOffer> nodes = new ArrayList<>(clusters.nodes(count, model, TOKENS, 30));
    ClusterPlan plan = plan(model, nodes);
    Collections.shuffle(nodes, new Random(seed));

    assertThat(plan(model, nodes)).isEqualTo(plan);
  }

  private static void assertCovers(ClusterPlan plan, int layers) {
    int next = 0;
    for (LayerRange range : plan.ranges()) {
      assertThat(range.first()).isEqualTo(next);
      assertThat(range.size()).isPositive();
      next = range.end();
    }
    assertThat(next).isEqualTo(layers);
    assertThat(plan.stages().stream().map(PlacedStage::node)).doesNotHaveDuplicates();
  }

  private static List<Arrangement> allArrangements(int layers, int nodes) {
    List<Arrangement> all = new ArrayList<>();
    addOrders(new int[0], layers, nodes, all);
    return all;
  }

  private static void addOrders(int[] order, int layers, int nodes, List<Arrangement> all) {
    if (order.length > 0) {
      addCuts(order, new int[order.length + 1], 1, layers, all);
    }
    for (int node = 0; node < nodes && order.length < layers; node++) {
      int candidate = node;
      if (Arrays.stream(order).noneMatch(n -> n == candidate)) {
        int[] longer = Arrays.copyOf(order, order.length + 1);
        longer[order.length] = node;
        addOrders(longer, layers, nodes, all);
      }
    }
  }

  private static void addCuts(int[] order, int[] cuts, int at, int layers, List<Arrangement> all) {
    if (at == order.length) {
      cuts[at] = layers;
      if (cuts[at - 1] < layers) {
        all.add(new Arrangement(order, cuts.clone(), 0));
      }
      return;
    }
    for (int cut = cuts[at - 1] + 1; cut < layers; cut++) {
      cuts[at] = cut;
      addCuts(order, cuts, at + 1, layers, all);
    }
  }

  private static ClusterPlan plan(ModelCosts model, List<NodeOffer> nodes) {
    return new ClusterPlanner(model, NEEDS, 0).plan(nodes);
  }

  private static LayerRange rangeOf(ClusterPlan plan, String node) {
    return plan.placed().stream()
        .filter(placed -> placed.node().equals(node))
        .findFirst()
        .orElseThrow()
        .range();
  }

  private static List<NodeOffer> nodes(int count, long memory) {
    List<NodeOffer> nodes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      nodes.add(node(RandomClusters.name(i), memory, 1e9));
    }
    return nodes;
  }

  private static NodeOffer node(String name, long memory, double speed) {
    return new NodeOffer(
        name, memory, 1, Map.of(GgmlType.F32, new KernelRate(speed, 4 * speed)), Map.of());
  }

  /** Layers of 50 million weights; the head counts as much as so many layers. */
  private static ModelCosts uniform(int layers, int head) {
    long layer = 50_000_000;
    long[] all = new long[layers];
    Arrays.fill(all, layer);
    long[] kv = new long[layers];
    Arrays.fill(kv, 1000);
    return new ModelCosts(all, all, kv, 0, 0, head * layer, head * layer, 0, 0, 16, 32);
  }
}
