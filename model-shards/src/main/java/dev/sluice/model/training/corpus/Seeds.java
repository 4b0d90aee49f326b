package dev.sluice.model.training.corpus;

import java.util.SplittableRandom;

/** Random numbers that depend on a seed and an index alone. */
public final class Seeds {
  /** From here on, seeds are for measuring: nothing is trained on what they give. */
  public static final long FIRST_HELD_OUT = 1_000_000;

  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Seeds() {}

  /** The random numbers of a document. */
  public static SplittableRandom random(long seed, long index) {
    return new SplittableRandom(mix(mix(seed) + GOLDEN * (index + 1)));
  }

  /**
   * Spreads a number over 64 bits, one to one (Steele, Lea, Flood 2014, variant 13 by Stafford).
   */
  static long mix(long value) {
    long z = value + GOLDEN;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
