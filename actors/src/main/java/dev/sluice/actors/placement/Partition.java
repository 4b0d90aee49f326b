package dev.sluice.actors.placement;

import java.util.Arrays;

/**
 * Cuts a row of layers into contiguous, non-empty ranges, one for each stage, so that the dearest
 * stage is as cheap as it can be: exactly, by dynamic programming in O(stages x layers^2).
 */
final class Partition {
  /** The cost of a stage that cannot hold its range. */
  static final long INFEASIBLE = Long.MAX_VALUE;

  /** What it costs to put layers {@code first} until before {@code end} on {@code stage}. */
  interface StageCost {
    long of(int stage, int first, int end);
  }

  private Partition() {}

  /**
   * The smallest possible cost of the dearest stage; {@link #INFEASIBLE} where every partition has
   * an infeasible stage.
   */
  static long bottleneck(int layers, int stages, StageCost cost) {
    long[] before = new long[layers + 1];
    Arrays.fill(before, INFEASIBLE);
    before[0] = 0;
    for (int stage = 0; stage < stages; stage++) {
      long[] best = new long[layers + 1];
      Arrays.fill(best, INFEASIBLE);
      for (int end = stage + 1; end <= layers - (stages - 1 - stage); end++) {
        for (int first = stage; first < end; first++) {
          if (before[first] < best[end]) {
            best[end] = Math.min(best[end], Math.max(before[first], cost.of(stage, first, end)));
          }
        }
      }
      before = best;
    }
    return before[layers];
  }

  /**
   * Among the partitions whose dearest stage costs at most {@code limit}, the most even one: the
   * one with the smallest sum of squared costs, and of equal ones always the same.
   *
   * @return {@code stages + 1} ascending cuts, from 0 to {@code layers}
   */
  static int[] evenest(int layers, int stages, StageCost cost, long limit) {
    double[] before = new double[layers + 1];
    Arrays.fill(before, Double.POSITIVE_INFINITY);
    before[0] = 0;
    int[][] cut = new int[stages][layers + 1];
    for (int stage = 0; stage < stages; stage++) {
      double[] best = new double[layers + 1];
      Arrays.fill(best, Double.POSITIVE_INFINITY);
      for (int end = stage + 1; end <= layers - (stages - 1 - stage); end++) {
        for (int first = stage; first < end; first++) {
          long own = cost.of(stage, first, end);
          double sum = before[first] + (double) own * own;
          if (own <= limit && sum < best[end]) {
            best[end] = sum;
            cut[stage][end] = first;
          }
        }
      }
      before = best;
    }
    if (before[layers] == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException("no partition costs at most " + limit + " a stage");
    }
    int[] cuts = new int[stages + 1];
    cuts[stages] = layers;
    for (int stage = stages - 1; stage >= 0; stage--) {
      cuts[stage] = cut[stage][cuts[stage + 1]];
    }
    return cuts;
  }
}
