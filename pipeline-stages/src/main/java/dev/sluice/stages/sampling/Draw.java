package dev.sluice.stages.sampling;

/**
 * The draw itself: by inversion of the cumulative weights, with a random number that has no
 * history.
 */
final class Draw {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;
  private static final int RANDOM_BITS = 53;

  private Draw() {}

  /**
   * A number of [0, 1) that depends on nothing but its arguments, so that a sequence goes on with
   * the same draws on whatever machine and after whatever restart: the position's output of a
   * SplitMix64 generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014;
   * mixing function: Stafford's variant 13), whose state is a counter. The seed is mixed first, so
   * that neighbouring seeds are not the same series shifted.
   *
   * @param position of the token to be drawn
   */
  static double uniform(long seed, int position) {
    long state = mix(seed + GOLDEN_GAMMA) + GOLDEN_GAMMA * (position + 1L);
    return (mix(state) >>> (Long.SIZE - RANDOM_BITS)) * 0x1p-53;
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /**
   * The index of the first weight at which the cumulative sum exceeds {@code uniform} times the
   * total.
   *
   * @param weights at least one above 0
   * @param total their sum, added in order
   */
  static int pick(double[] weights, int size, double total, double uniform) {
    double target = uniform * total;
    double sum = 0;
    int last = 0;
    for (int i = 0; i < size; i++) {
      sum += weights[i];
      if (sum > target) {
        return i;
      }
      if (weights[i] > 0) {
        last = i;
      }
    }
    return last; // rounding put the target on the total
  }
}
