package dev.sluice.stages.sampling;

/**
 * The exponential function for numbers of at most 0, from additions and multiplications alone: the
 * same bits on every machine ({@code Math.exp} may differ), and several times as fast as {@code
 * StrictMath.exp}, which counts where a whole vocabulary goes through it. Within 2 ulp.
 *
 * <p>x = n ln 2 + r with |r| at most ln 2 / 2 (ln 2 in two parts, so that r is exact enough: Cody
 * and Waite, Software Manual for the Elementary Functions, 1980); e^r by its Taylor series up to
 * r^13, whose next term is below 2^-57; then 2^n through the exponent bits.
 */
final class Exponential {
  /** Below it the result would be subnormal: it is 0 instead. */
  private static final double LOWEST = -708;

  private static final double LOG2_E = 1.4426950408889634;
  // The high part's lowest 21 bits are zero: n times it is exact for every n that occurs.
  private static final double LN2_HIGH = Double.longBitsToDouble(0x3fe62e42fee00000L);
  private static final double LN2_LOW = Double.longBitsToDouble(0x3dea39ef35793c76L);
  // Adding and subtracting 1.5 * 2^52 rounds to the nearest whole number.
  private static final double ROUND = 6755399441055744.0;
  private static final int BIAS = 1023;
  private static final int MANTISSA_BITS = 52;

  private Exponential() {}

  /**
   * e to the power of x.
   *
   * @param x at most 0; negative infinity gives 0
   */
  static double exp(double x) {
    if (x < LOWEST) {
      return 0;
    }
    double n = x * LOG2_E + ROUND - ROUND;
    double r = x - n * LN2_HIGH - n * LN2_LOW;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r * r + r + 1;
    return p * Double.longBitsToDouble((long) ((int) n + BIAS) << MANTISSA_BITS);
  }
}
