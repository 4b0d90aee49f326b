package dev.sluice.actors.placement;

import java.util.Arrays;
import java.util.List;

/** Plans without a model. */
public final class FakePlans {
  private FakePlans() {}

  /** A layer for each stage. */
  public static ShardPlan uniform(int stages) {
    return ShardPlan.of(costs(stages), stages, MemoryNeeds.WEIGHTS_ONLY);
  }

  /** A layer for each node. */
  public static ClusterPlan over(List<NodeOffer> nodes) {
    int count = nodes.size();
    return new ClusterPlanner(costs(count), MemoryNeeds.WEIGHTS_ONLY, count).plan(nodes);
  }

  private static ModelCosts costs(int layers) {
    long[] ones = new long[layers];
    Arrays.fill(ones, 1_000);
    return new ModelCosts(ones, ones, ones, 0, 0, 0, 0, 0, 0, 4, 50);
  }
}
