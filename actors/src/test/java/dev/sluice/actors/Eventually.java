package dev.sluice.actors;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what other threads do, no longer than it takes, and not for ever. */
final class Eventually {
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);

  private Eventually() {}

  static void until(String what, BooleanSupplier condition) {
    long begun = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - begun > LIMIT_NANOS) {
        throw new AssertionError("it did not come about: " + what);
      }
      LockSupport.parkNanos(200_000);
    }
  }
}
