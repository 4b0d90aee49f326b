package dev.sluice.transport;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;

/** Warns at most once a second, and says how many warnings it left out. For any thread. */
final class LimitedLog {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Logger log;
  private final AtomicLong nextNanos = new AtomicLong(System.nanoTime());
  private final AtomicLong leftOut = new AtomicLong();

  LimitedLog(Logger log) {
    this.log = log;
  }

  /** Whether to warn now; if not, the warning counts as left out. */
  boolean mayWarn() {
    long now = System.nanoTime();
    long next = nextNanos.get();
    if (now - next >= 0 && nextNanos.compareAndSet(next, now + INTERVAL_NANOS)) {
      return true;
    }
    leftOut.incrementAndGet();
    return false;
  }

  /** Only after {@link #mayWarn()}. */
  void warn(String message) {
    long more = leftOut.getAndSet(0);
    log.warn(more == 0 ? message : message + " (" + more + " more like it were not logged)");
  }

  void warn(String message, Throwable cause) {
    if (mayWarn()) {
      long more = leftOut.getAndSet(0);
      log.warn(more == 0 ? message : message + " (" + more + " more were not logged)", cause);
    }
  }
}
