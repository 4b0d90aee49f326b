package dev.sluice.ops.serve.live;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.ops.serve.model.GenerationWatch;
import dev.sluice.stages.flow.TextEvent;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PulseTest {
  private final AtomicLong millis = new AtomicLong(1_000_000_000_000L);
  private final Pulse pulse = new Pulse(millis::get);

  private static TextEvent piece() {
    return new TextEvent.Piece("a", 5, 1, -1, 2, List.of());
  }

  private static TextEvent recovered(int millis) {
    return new TextEvent.Recovered(7, Duration.ofMillis(millis));
  }

  @Test
  void shouldCountTokensBySeconds() {
    GenerationWatch watch = pulse.watch(2);
    for (int second = 1; second <= 3; second++) {
      for (int i = 0; i < second; i++) {
        watch.event(i % 2, piece());
      }
      millis.addAndGet(1000);
    }
    watch.event(0, piece());
    assertThat(Arrays.stream(pulse.history()).boxed().toList()).endsWith(0L, 1L, 2L, 3L);
    millis.addAndGet(2000);
    assertThat(Arrays.stream(pulse.history()).boxed().toList()).endsWith(1L, 2L, 3L, 1L, 0L);
    millis.addAndGet(1000L * Pulse.SECONDS);
    assertThat(pulse.history()).hasSize(Pulse.SECONDS - 1).containsOnly(0);
  }

  @Test
  void shouldSurviveAClockThatGoesBack() {
    GenerationWatch watch = pulse.watch(1);
    watch.event(0, piece());
    millis.addAndGet(-5000);
    watch.event(0, piece());
    millis.addAndGet(6000);
    assertThat(Arrays.stream(pulse.history()).sum()).isEqualTo(2);
  }

  @Test
  void shouldTellWaitsForTokens() {
    assertThat(pulse.firstTokenNanos()).isEmpty();
    GenerationWatch watch = pulse.watch(1);
    watch.event(0, piece());
    assertThat(pulse.firstTokenNanos()).isPresent();
    assertThat(pulse.betweenTokensNanos()).isEmpty();
    watch.event(0, piece());
    assertThat(pulse.betweenTokensNanos()).isPresent();
  }

  @Test
  void shouldTellOneLossOnceThoughManyStreamsFeelIt() {
    for (int pause : List.of(300, 900, 500)) {
      pulse.watch(1).event(0, recovered(pause));
      millis.addAndGet(200);
    }
    millis.addAndGet(60_000);
    pulse.watch(1).event(0, recovered(100));
    assertThat(pulse.moments())
        .containsExactly(
            new Pulse.Recovery(1_000_000_000_000L, 3, Duration.ofMillis(900)),
            new Pulse.Recovery(millis.get(), 1, Duration.ofMillis(100)));
  }

  @Test
  void shouldTellWhenThePipelineIsBuiltAnew() {
    pulse.epoch(4, "found so");
    pulse.epoch(4, "found so");
    pulse.epoch(5, "a node was lost");
    pulse.epoch(4, "late");
    assertThat(pulse.moments())
        .containsExactly(new Pulse.Rebuilt(millis.get(), 5, "a node was lost"));
  }

  @Test
  void shouldKeepTheNewestMomentsOnly() {
    IntStream.range(0, 1000).forEach(epoch -> pulse.epoch(epoch, ""));
    assertThat(pulse.moments()).hasSize(64);
    assertThat(pulse.moments().getLast()).isEqualTo(new Pulse.Rebuilt(millis.get(), 999, ""));
  }
}
