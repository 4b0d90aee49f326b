package dev.sluice.model.training;

/** Hashes that stand for random draws: a function of what they are given, never of history. */
final class Mix {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;
  private static final double TO_UNIT = 0x1p-53;

  private Mix() {}

  /** Mixes two numbers; the finisher is SplitMix64's (Steele et al., 2014). */
  static long hash(long a, long b) {
    long z = (a ^ Long.rotateLeft(b * GOLDEN, 32)) + GOLDEN * (b | 1);
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** A number of [0, 1). */
  static double unit(long hash) {
    return (hash >>> 11) * TO_UNIT;
  }

  /** A draw from the standard normal distribution (Box and Muller, 1958). */
  static double gaussian(long seed, long index) {
    double u = 1 - unit(hash(seed, 2 * index));
    double v = unit(hash(seed, 2 * index + 1));
    return StrictMath.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(2 * StrictMath.PI * v);
  }

  /** A number from 0 to {@code bound - 1}. */
  static int below(long hash, int bound) {
    return (int) Math.unsignedMultiplyHigh(hash, bound);
  }
}
