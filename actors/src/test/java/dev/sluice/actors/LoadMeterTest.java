package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LoadMeterTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final LoadMeter meter = new LoadMeter();

  private static PipelineStats.Stage stage(int index, int first, long busyNanos) {
    return new PipelineStats.Stage(
        index,
        new LayerRange(first, first + 2),
        busyNanos,
        1,
        1,
        0,
        new LatencyHistogram().snapshot(),
        new KvUsage((int) (busyNanos / SECOND), 9, 8, 1, 2));
  }

  private double share(long now, long busyNanos) {
    NodeLoad load = meter.read(now, List.of(stage(1, 4, busyNanos)), PipelineStats.Scheduling.NONE);
    assertThat(load.stages()).hasSize(1);
    assertThat(load.stages().getFirst().stage()).isEqualTo(1);
    return load.stages().getFirst().busyShare();
  }

  @Test
  void shouldTellTheShareOfTheLastSeconds() {
    assertThat(share(0, 0)).isZero();
    assertThat(share(SECOND, SECOND / 2)).isEqualTo(0.5, within(1e-9));
    for (int second = 2; second <= 20; second++) {
      share(second * SECOND, second * SECOND / 2);
    }
    long busy = 20 * SECOND / 2;
    for (int second = 21; second <= 24; second++) {
      share(second * SECOND, busy);
    }
    assertThat(share(25 * SECOND, busy)).as("idle for five seconds").isZero();
  }

  @Test
  void shouldStayWithinZeroAndOne() {
    share(0, 5 * SECOND);
    assertThat(share(SECOND, 9 * SECOND)).as("a long micro-batch ended").isEqualTo(1.0);
    assertThat(share(2 * SECOND, 0)).as("counters began anew").isZero();
  }

  @Test
  void shouldBeginAnewWithOtherLayers() {
    share(0, 0);
    share(SECOND, SECOND);
    NodeLoad load = meter.read(2 * SECOND, List.of(stage(1, 6, 0)), PipelineStats.Scheduling.NONE);
    assertThat(load.stages().getFirst().busyShare()).isZero();
  }

  @Test
  void shouldTellTheCacheOfTheMoment() {
    NodeLoad load = meter.read(0, List.of(stage(0, 0, 3 * SECOND)), PipelineStats.Scheduling.NONE);
    assertThat(load.stages().getFirst().kv().usedPages()).isEqualTo(3);
  }
}
