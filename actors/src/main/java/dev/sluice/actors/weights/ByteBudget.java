package dev.sluice.actors.weights;

import java.util.function.LongSupplier;

/**
 * Bytes that may be asked for: so many a second, of which at most {@value #BURST_MILLIS} ms may be
 * saved up. Shared by all fetches of a node; for any thread.
 */
final class ByteBudget {
  private static final long BURST_MILLIS = 500;
  private static final double NANOS_PER_SECOND = 1e9;

  private final long bytesPerSecond;
  private final LongSupplier nanos;
  private double left;
  private long countedAt;

  /**
   * A budget that begins empty.
   *
   * @param bytesPerSecond 0 for no limit
   * @param nanos a clock, ascending
   */
  ByteBudget(long bytesPerSecond, LongSupplier nanos) {
    this.bytesPerSecond = bytesPerSecond;
    this.nanos = nanos;
    this.countedAt = nanos.getAsLong();
  }

  /**
   * Takes bytes out of the budget if something is in it. What is taken beyond that is owed, so that
   * pieces larger than what can be saved up come too, only more slowly.
   */
  synchronized boolean take(int bytes) {
    if (bytesPerSecond == 0) {
      return true;
    }
    long now = nanos.getAsLong();
    double earned = (now - countedAt) / NANOS_PER_SECOND * bytesPerSecond;
    left = Math.min(left + earned, bytesPerSecond * BURST_MILLIS / 1000.0);
    countedAt = now;
    if (left <= 0) {
      return false;
    }
    left -= bytes;
    return true;
  }
}
