package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * A hash map from non-negative longs to ints without boxes, of a capacity that is fixed when it is
 * made. Reading is safe for any thread once it is filled.
 */
final class LongIntMap {
  static final int MISSING = -1;
  private static final long EMPTY = -1;

  private final long[] keys;
  private final int[] values;
  private final int shift;

  /** A map for up to so many entries, at most half full. */
  LongIntMap(int entries) {
    int bits = Math.max(3, 33 - Integer.numberOfLeadingZeros(Math.max(1, entries)));
    keys = new long[1 << bits];
    values = new int[1 << bits];
    shift = Long.SIZE - bits;
    Arrays.fill(keys, EMPTY);
  }

  /** The value of a key, or {@link #MISSING}. */
  int get(long key) {
    for (int at = slot(key); ; at = at + 1 & keys.length - 1) {
      if (keys[at] == key) {
        return values[at];
      }
      if (keys[at] == EMPTY) {
        return MISSING;
      }
    }
  }

  /** Adds a value unless the key has one already; answers which the key has now. */
  int putIfAbsent(long key, int value) {
    for (int at = slot(key); ; at = at + 1 & keys.length - 1) {
      if (keys[at] == key) {
        return values[at];
      }
      if (keys[at] == EMPTY) {
        keys[at] = key;
        values[at] = value;
        return value;
      }
    }
  }

  private int slot(long key) {
    // Fibonacci hashing: the high bits of a product with the golden ratio.
    return (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
  }
}
