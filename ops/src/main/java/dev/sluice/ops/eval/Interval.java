package dev.sluice.ops.eval;

/**
 * A range that holds the true value in 95 of 100 cases.
 *
 * @param low its lower end
 * @param high its upper end
 */
public record Interval(double low, double high) {
  /** Of the normal distribution, 97.5 % lie below this many standard deviations. */
  private static final double Z = 1.959963984540054;

  /**
   * Of a share, by Wilson's score (Wilson 1927): unlike the plain one it stays inside 0 to 1 and
   * holds for few trials, and for none or all right.
   *
   * @param right how many of the trials succeeded
   * @param trials how many there were, at least one
   */
  public static Interval ofShare(int right, int trials) {
    if (trials < 1 || right < 0 || right > trials) {
      throw new IllegalArgumentException(right + " right of " + trials);
    }
    double share = (double) right / trials;
    double z2 = Z * Z / trials;
    double centre = (share + z2 / 2) / (1 + z2);
    double half = Z / (1 + z2) * Math.sqrt(share * (1 - share) / trials + z2 / trials / 4);
    return new Interval(Math.max(0, centre - half), Math.min(1, centre + half));
  }

  /**
   * Of a mean, by its standard error.
   *
   * @param mean the mean
   * @param variance of one value; NaN where it is not known
   * @param count how many values
   */
  public static Interval ofMean(double mean, double variance, long count) {
    double half = Z * Math.sqrt(variance / count);
    return new Interval(mean - half, mean + half);
  }
}
