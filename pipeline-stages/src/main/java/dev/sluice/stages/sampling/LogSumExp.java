package dev.sluice.stages.sampling;

/**
 * The logarithm of the sum of the exponentials of a row: what turns a logit into a log-probability.
 */
final class LogSumExp {
  private LogSumExp() {}

  /**
   * Stable: the largest logit is taken out first. Summed in double in order of id.
   *
   * @param logits finite numbers
   * @param size how many of them, at least 1
   * @param max the largest of them
   */
  static double of(float[] logits, int size, float max) {
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += StrictMath.exp((double) logits[i] - max);
    }
    return max + StrictMath.log(sum);
  }
}
