package dev.sluice.actors;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A histogram of latencies with one writer and any number of readers. Recording neither allocates
 * nor locks. A snapshot taken while the writer is at work may lack its last value.
 */
final class LatencyHistogram {
  private static final int SUB_BITS = 4;
  private static final int SUB = 1 << SUB_BITS;

  /** Values below 16 exactly, then 16 buckets to each of the 59 powers of two up to 2^63. */
  static final int BUCKETS = SUB * (Long.SIZE - SUB_BITS);

  private static final int SUM = BUCKETS;

  private final AtomicLongArray cells = new AtomicLongArray(BUCKETS + 1);

  /** Records a latency; a negative one, of clocks that differ, counts as 0. */
  void record(long nanos) {
    long value = Math.max(0, nanos);
    int bucket = bucket(value);
    cells.lazySet(bucket, cells.getPlain(bucket) + 1);
    cells.lazySet(SUM, cells.getPlain(SUM) + value);
  }

  LatencyCounts snapshot() {
    long[] counts = new long[BUCKETS];
    for (int i = 0; i < BUCKETS; i++) {
      counts[i] = cells.get(i);
    }
    return new LatencyCounts(counts, cells.get(SUM));
  }

  static int bucket(long value) {
    if (value < SUB) {
      return (int) value;
    }
    int power = Long.SIZE - 1 - Long.numberOfLeadingZeros(value);
    int sub = (int) (value >>> (power - SUB_BITS)) & (SUB - 1);
    return (power - SUB_BITS + 1) * SUB + sub;
  }

  /** The largest value of a bucket. */
  static long upperNanos(int bucket) {
    if (bucket < SUB) {
      return bucket;
    }
    int power = bucket / SUB + SUB_BITS - 1;
    long width = 1L << (power - SUB_BITS);
    return (1L << power) + (bucket % SUB + 1) * width - 1;
  }
}
