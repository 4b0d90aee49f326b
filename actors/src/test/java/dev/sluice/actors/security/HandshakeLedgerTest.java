package dev.sluice.actors.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HandshakeLedgerTest {
  private final List<String> lines = new ArrayList<>();
  private long now = Long.MAX_VALUE - 1;
  private final HandshakeLedger ledger = new HandshakeLedger(() -> now, lines::add);

  private void pass(Duration time) {
    now += time.toNanos();
  }

  @Test
  void shouldSayNothingOfMembers() {
    for (int i = 0; i < 10; i++) {
      ledger.started();
      ledger.started();
      ledger.accepted();
      ledger.accepted();
      pass(Duration.ofMinutes(1));
    }
    assertThat(ledger.refusedCount()).isZero();
    assertThat(lines).isEmpty();
  }

  @Test
  void shouldTellOfStrangersOnceAMinute() {
    for (int i = 0; i < 120; i++) {
      ledger.started();
      pass(Duration.ofSeconds(1));
    }
    // The last twenty may still be at it.
    assertThat(ledger.refusedCount()).isBetween(95L, 100L);
    assertThat(lines).hasSize(2);
    assertThat(lines.getFirst()).startsWith("closed 1 connections");
  }

  @Test
  void shouldCountWhoHasAnotherClustersCertificate() {
    ledger.started();
    ledger.refused();
    assertThat(ledger.refusedCount()).isEqualTo(1);
    assertThat(lines).hasSize(1);
  }

  @Test
  void shouldHoldNoMoreThanItsLimit() {
    for (int i = 0; i < 5_000; i++) {
      ledger.started();
    }
    assertThat(ledger.refusedCount()).isEqualTo(5_000 - 1_024);
    assertThat(lines).hasSize(1);
  }
}
