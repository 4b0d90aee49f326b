package dev.sluice.actors.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.cache.KvType;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The heuristic for many nodes, on as many as the exact search can take too. */
final class OrderedSearchTest {
  private static final long TOKENS = 1000;
  private static final MemoryNeeds NEEDS = new MemoryNeeds(TOKENS, KvType.F32, 8, 4);
  private static final int INSTANCES = 120;

  @Test
  void shouldComeCloseToTheExactSearch() {
    double worst = 1;
    double sum = 0;
    int feasible = 0;
    int missed = 0;
    for (int seed = 0; seed < INSTANCES; seed++) {
      RandomClusters clusters = new RandomClusters(seed);
      int count = 4 + seed % 4;
      ModelCosts model = clusters.model(8 + seed % 17);
      double memory = seed % 3 == 0 ? 1.6 : 4;
      NodeCosts costs = new NodeCosts(model, NEEDS, clusters.nodes(count, model, TOKENS, memory));
      PlacementSearch exact =
          new PlacementSearch(costs, new SubsetSearch(model.layers(), count, 0), TOKENS);
      PlacementSearch heuristic =
          new PlacementSearch(costs, new OrderedSearch(costs, 0, TOKENS), TOKENS);
      Optional<Arrangement> best = exact.shortestPeriod();
      Optional<Arrangement> found = heuristic.shortestPeriod();
      if (best.isEmpty()) {
        assertThat(found).as("seed %d", seed).isEmpty();
        continue;
      }
      feasible++;
      if (found.isEmpty()) {
        missed++;
        continue;
      }
      double ratio = (double) heuristic.period(found.get()) / exact.period(best.get());
      assertThat(ratio).as("seed %d", seed).isGreaterThanOrEqualTo(1);
      worst = Math.max(worst, ratio);
      sum += ratio - 1;
    }
    assertThat(feasible).isGreaterThan(INSTANCES / 2);
    assertThat(missed).isZero();
    assertThat(worst).isLessThan(1.25);
    assertThat(1 + sum / feasible).isLessThan(1.03);
  }

  @Test
  void shouldPlaceAModelOnManyNodes() {
    RandomClusters clusters = new RandomClusters(1);
    ModelCosts model = clusters.model(48);
    List<NodeOffer> nodes = clusters.nodes(16, model, TOKENS, 6);

    ClusterPlan plan = new ClusterPlanner(model, NEEDS, 0).plan(nodes);

    assertThat(plan.stages()).hasSizeGreaterThan(8);
    assertThat(plan.tokensThatFit()).isGreaterThanOrEqualTo(TOKENS);
    assertThat(plan.why()).contains("of 16 nodes");
    assertThat(new ClusterPlanner(model, NEEDS, 0).plan(nodes.reversed())).isEqualTo(plan);
    assertThat(new ClusterPlanner(model, NEEDS, 9).plan(nodes).stages()).hasSize(9);
  }
}
