package dev.sluice.actors.placement;

import java.util.Arrays;

/** Plans without a model. */
public final class FakePlans {
  private FakePlans() {}

  /** A layer for each stage. */
  public static ShardPlan uniform(int stages) {
    long[] ones = new long[stages];
    Arrays.fill(ones, 1_000);
    return ShardPlan.of(
        new ModelCosts(ones, ones, ones, 0, 0, 0, 0, 0, 0, 4, 50),
        stages,
        MemoryNeeds.WEIGHTS_ONLY);
  }
}
