package dev.sluice.actors;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Measures for how long how many stages computed at once. Lock-free, for any thread; nothing is
 * allocated. The number of busy stages and the time since which it has been so share one word, so
 * that every nanosecond is added to exactly one number of stages.
 */
final class BusyTracker {
  private static final int COUNT_BITS = 11;
  private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;

  private final long origin;
  private final AtomicLongArray nanos;

  /** Nanoseconds since the origin (53 bits: 104 days), then the number of busy stages. */
  private final AtomicLong state = new AtomicLong();

  BusyTracker(int stages, long now) {
    if (stages < 1 || stages > COUNT_MASK) {
      throw new IllegalArgumentException(stages + " stages: from 1 to " + COUNT_MASK);
    }
    origin = now;
    nanos = new AtomicLongArray(stages + 1);
  }

  /** A stage begins to compute. */
  void begin(long now) {
    shift(now, 1);
  }

  /** A stage has computed. */
  void end(long now) {
    shift(now, -1);
  }

  /** How long exactly k stages were busy, for every k from 0. */
  List<Long> nanos(long now) {
    shift(now, 0);
    List<Long> all = new ArrayList<>(nanos.length());
    for (int k = 0; k < nanos.length(); k++) {
      all.add(nanos.get(k));
    }
    return all;
  }

  private void shift(long now, int change) {
    while (true) {
      long old = state.get();
      long since = old >>> COUNT_BITS;
      int count = (int) (old & COUNT_MASK);
      // Another thread may have been here with a later time already.
      long time = Math.max(now - origin, since);
      if (state.compareAndSet(old, time << COUNT_BITS | (count + change))) {
        nanos.addAndGet(count, time - since);
        return;
      }
    }
  }
}
