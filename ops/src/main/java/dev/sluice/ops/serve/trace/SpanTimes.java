package dev.sluice.ops.serve.trace;

import java.time.Duration;
import java.time.Instant;

/** Moments of one request, by a clock that does not jump. */
final class SpanTimes {
  private final Instant begun = Instant.now();
  private final long beganNanos = System.nanoTime();

  Instant begun() {
    return begun;
  }

  Instant now() {
    return begun.plus(Duration.ofNanos(System.nanoTime() - beganNanos));
  }
}
