package dev.sluice.actors.security;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Counts who comes to the actors' port, and tells of strangers, at most once a minute. A TLS
 * handshake that fails is not reported by Akka, so a connection counts as refused when it is not
 * accepted in time; that is found out when the next one comes. For any thread.
 */
final class HandshakeLedger {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long INTERVAL_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** Connections that wait at a time; of more, the oldest counts as refused. */
  private static final int LIMIT = 1_024;

  private final LongSupplier nanos;
  private final Consumer<String> log;

  /** When those began that are neither accepted nor refused. */
  private final ArrayDeque<Long> waiting = new ArrayDeque<>();

  private long refused;
  private long told;
  private long nextNanos;

  HandshakeLedger(LongSupplier nanos, Consumer<String> log) {
    this.nanos = nanos;
    this.log = log;
    nextNanos = nanos.getAsLong();
  }

  synchronized void started() {
    long now = nanos.getAsLong();
    Long oldest = waiting.peekFirst();
    while (oldest != null && (now - oldest > PATIENCE_NANOS || waiting.size() >= LIMIT)) {
      waiting.removeFirst();
      refused++;
      oldest = waiting.peekFirst();
    }
    waiting.addLast(now);
    tell(now);
  }

  synchronized void accepted() {
    waiting.pollFirst();
  }

  synchronized void refused() {
    waiting.pollFirst();
    refused++;
    tell(nanos.getAsLong());
  }

  synchronized long refusedCount() {
    return refused;
  }

  private void tell(long now) {
    if (refused > told && now - nextNanos >= 0) {
      log.accept(
          "closed %d connections to the actors' port that showed no certificate of this cluster (%d in all)"
              .formatted(refused - told, refused));
      told = refused;
      nextNanos = now + INTERVAL_NANOS;
    }
  }
}
