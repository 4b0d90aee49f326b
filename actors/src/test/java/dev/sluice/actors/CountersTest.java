package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The counters of stages: what they add up to. */
final class CountersTest {
  @Test
  void shouldAttributeEveryNanosecondToANumberOfBusyStages() {
    BusyTracker tracker = new BusyTracker(3, 1_000);
    tracker.begin(1_010);
    tracker.begin(1_020);
    tracker.end(1_050);
    tracker.end(1_055);

    assertThat(tracker.nanos(1_100)).containsExactly(10L + 45, 10L + 5, 30L, 0L);
  }

  @Test
  void shouldLoseNothingWhenManyThreadsCount() throws InterruptedException {
    int stages = 4;
    BusyTracker tracker = new BusyTracker(stages, System.nanoTime());
    long begun = System.nanoTime();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < stages; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int n = 0; n < 20_000; n++) {
                      tracker.begin(System.nanoTime());
                      tracker.end(System.nanoTime());
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    List<Long> nanos = tracker.nanos(System.nanoTime());
    long most = System.nanoTime() - begun;
    assertThat(nanos).allMatch(n -> n >= 0);
    long counted = nanos.stream().mapToLong(n -> n).sum();
    // The tracker's origin lies a little before the first reading, its end before the last.
    assertThat(counted).isBetween(most / 2, most + 1_000_000_000L);
  }

  @Test
  void shouldGiveQuantilesWithinASixteenth() {
    LatencyHistogram histogram = new LatencyHistogram();
    List<Long> values = new ArrayList<>();
    Random random = new Random(3);
    for (int i = 0; i < 10_000; i++) {
      long value = (long) Math.exp(random.nextDouble() * 20);
      values.add(value);
      histogram.record(value);
    }
    histogram.record(-5);
    values.add(0L);
    values.sort(null);
    LatencyCounts counts = histogram.snapshot();
    assertThat(counts.count()).isEqualTo(10_001);
    for (double q : new double[] {0.01, 0.5, 0.9, 0.99, 1}) {
      long exact = values.get((int) Math.ceil(q * values.size()) - 1);
      assertThat((double) counts.quantileNanos(q)).isBetween((double) exact, exact * 1.0625 + 1);
    }
    assertThat(counts.meanNanos()).isEqualTo(values.stream().mapToLong(v -> v).sum() / 10_001.0);
    assertThat(counts.since(counts).count()).isZero();
    assertThat(LatencyCounts.NONE.quantileNanos(0.5)).isZero();
  }

  @Test
  void shouldHaveABucketForEveryValue() {
    for (int power = 0; power < 63; power++) {
      for (long value : new long[] {1L << power, (1L << power) + 1, (2L << power) - 1}) {
        if (value > 0) {
          int bucket = LatencyHistogram.bucket(value);
          assertThat(LatencyHistogram.upperNanos(bucket)).isGreaterThanOrEqualTo(value);
          if (bucket > 0) {
            assertThat(LatencyHistogram.upperNanos(bucket - 1)).isLessThan(value);
          }
        }
      }
    }
    assertThat(LatencyHistogram.bucket(Long.MAX_VALUE)).isLessThan(LatencyHistogram.BUCKETS);
  }
}
