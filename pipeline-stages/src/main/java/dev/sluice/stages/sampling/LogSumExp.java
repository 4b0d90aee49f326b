package dev.sluice.stages.sampling;

/**
 * The logarithm of the sum of the exponentials of a row: what turns a logit into a log-probability.
 */
final class LogSumExp {
  private static final int LANES = 4;

  private LogSumExp() {}

  /**
   * Stable: the largest logit is taken out first. Summed in double in an order that depends on the
   * length only: element i goes to sum i modulo 4, and the four are added as a tree; several sums,
   * because one alone waits for its own last addition.
   *
   * @param logits finite numbers
   * @param size how many of them, at least 1
   * @param max the largest of them
   */
  static double of(float[] logits, int size, float max) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + LANES <= size; i += LANES) {
      s0 += Exponential.exp((double) logits[i] - max);
      s1 += Exponential.exp((double) logits[i + 1] - max);
      s2 += Exponential.exp((double) logits[i + 2] - max);
      s3 += Exponential.exp((double) logits[i + 3] - max);
    }
    for (; i < size; i++) {
      s0 += Exponential.exp((double) logits[i] - max);
    }
    return max + StrictMath.log((s0 + s2) + (s1 + s3));
  }
}
