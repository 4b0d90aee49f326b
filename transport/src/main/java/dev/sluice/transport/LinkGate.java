package dev.sluice.transport;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Lets one thread at a time use an end of a link, and closes it exactly once, when no thread is
 * inside: the memory behind it is unmapped then, and a touch too late would end the process, not
 * throw.
 */
final class LinkGate {
  private static final int IDLE = 0;
  private static final int BUSY = 1;
  private static final int BUSY_CLOSING = 2;
  private static final int CLOSED = 3;

  private final AtomicInteger state = new AtomicInteger(IDLE);
  private final Runnable onClosed;
  private volatile @Nullable Thread inside;

  /**
   * @param onClosed frees what is behind the gate
   */
  LinkGate(Runnable onClosed) {
    this.onClosed = onClosed;
  }

  /**
   * Goes in; {@link #exit()} must follow.
   *
   * @return false if it is closed
   * @throws IllegalStateException if somebody is inside
   */
  boolean enter() {
    int found = state.compareAndExchange(IDLE, BUSY);
    if (found == IDLE) {
      inside = Thread.currentThread();
      return true;
    }
    if (found == CLOSED) {
      return false;
    }
    Thread other = inside;
    if (found == BUSY_CLOSING && other != Thread.currentThread()) {
      return false;
    }
    throw new IllegalStateException(
        "an end of a link is for one thread, one call at a time; inside is " + other);
  }

  void exit() {
    inside = null;
    if (!state.compareAndSet(BUSY, IDLE)) {
      state.set(CLOSED);
      onClosed.run();
    }
  }

  /** Closes now, or as soon as who is inside comes out. */
  void close() {
    while (true) {
      switch (state.get()) {
        case IDLE -> {
          if (state.compareAndSet(IDLE, CLOSED)) {
            onClosed.run();
            return;
          }
        }
        case BUSY -> {
          if (state.compareAndSet(BUSY, BUSY_CLOSING)) {
            return;
          }
        }
        default -> {
          return;
        }
      }
    }
  }

  boolean isOpen() {
    return state.get() < BUSY_CLOSING;
  }

  boolean isBusy() {
    int now = state.get();
    return now == BUSY || now == BUSY_CLOSING;
  }

  boolean isInside(Thread thread) {
    return inside == thread;
  }
}
