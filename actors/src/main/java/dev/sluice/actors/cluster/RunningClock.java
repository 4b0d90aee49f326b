package dev.sluice.actors.cluster;

import akka.remote.FailureDetector;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Milliseconds in which this process has run, as far as can be told by how often it is read: a gap
 * between two readings counts for {@link #LONGEST} at most. Who judges others by it does not take
 * its own pause, be it garbage collection, a stop signal or a lack of processors, for theirs: when
 * a process wakes up, what others have said meanwhile lies in its sockets unread. For any thread.
 */
final class RunningClock extends FailureDetector.Clock {
  /** The longest gap that is believed; heartbeats and their checks come more often. */
  static final Duration LONGEST = Duration.ofMillis(400);

  private final LongSupplier nanos;
  private long readNanos;
  private long runNanos;

  /**
   * @param nanos the time that goes on, ascending
   */
  RunningClock(LongSupplier nanos) {
    this.nanos = nanos;
    readNanos = nanos.getAsLong();
  }

  @Override
  public synchronized long apply$mcJ$sp() {
    long now = nanos.getAsLong();
    runNanos += Math.min(now - readNanos, LONGEST.toNanos());
    readNanos = now;
    return runNanos / 1_000_000;
  }

  @Override
  public Object apply() {
    return apply$mcJ$sp();
  }
}
