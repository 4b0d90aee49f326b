package dev.sluice.actors;

import java.util.Arrays;

/**
 * A snapshot of a latency histogram: 16 buckets to each power of two of nanoseconds, so that a
 * quantile is right within 6.25 %. Immutable.
 */
public final class LatencyCounts {
  /** Nothing measured. */
  public static final LatencyCounts NONE = new LatencyCounts(new long[LatencyHistogram.BUCKETS], 0);

  private final long[] counts;
  private final long sumNanos;

  LatencyCounts(long[] counts, long sumNanos) {
    this.counts = counts;
    this.sumNanos = sumNanos;
  }

  /** How many were measured. */
  public long count() {
    return Arrays.stream(counts).sum();
  }

  /** The mean in nanoseconds; 0 where nothing was measured. */
  public double meanNanos() {
    long count = count();
    return count == 0 ? 0 : (double) sumNanos / count;
  }

  /**
   * The quantile in nanoseconds; 0 where nothing was measured.
   *
   * @param q from 0 to 1: 0.5 is the median
   */
  public long quantileNanos(double q) {
    if (!(q >= 0 && q <= 1)) {
      throw new IllegalArgumentException("quantile " + q + ": must be from 0 to 1");
    }
    long count = count();
    long rank = Math.max(1, (long) Math.ceil(q * count));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return LatencyHistogram.upperNanos(i);
      }
    }
    return 0;
  }

  /** What was measured after {@code earlier}, a snapshot of the same histogram. */
  public LatencyCounts since(LatencyCounts earlier) {
    long[] difference = new long[counts.length];
    Arrays.setAll(difference, i -> counts[i] - earlier.counts[i]);
    return new LatencyCounts(difference, sumNanos - earlier.sumNanos);
  }

  @Override
  public String toString() {
    return "LatencyCounts[count="
        + count()
        + ", mean="
        + meanNanos()
        + " ns, p50="
        + quantileNanos(0.5)
        + " ns, p99="
        + quantileNanos(0.99)
        + " ns]";
  }
}
