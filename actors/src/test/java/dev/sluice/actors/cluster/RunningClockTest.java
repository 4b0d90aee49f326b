package dev.sluice.actors.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.remote.PhiAccrualFailureDetector;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import scala.concurrent.duration.FiniteDuration;

class RunningClockTest {
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000_000);
  private final RunningClock clock = new RunningClock(nanos::get);

  private long after(long millis) {
    nanos.addAndGet(millis * 1_000_000);
    return clock.apply$mcJ$sp();
  }

  private static FiniteDuration millis(long millis) {
    return FiniteDuration.create(millis, TimeUnit.MILLISECONDS);
  }

  @Test
  void shouldGoOnWithTimeThatIsReadOften() {
    assertThat(after(100)).isEqualTo(100);
    assertThat(after(400)).isEqualTo(500);
    assertThat(clock.apply()).isEqualTo(500L);
  }

  @Test
  void shouldNotCountTimeInWhichNobodyReadIt() {
    after(100);
    assertThat(after(60_000)).isEqualTo(500);
    assertThat(after(1)).isEqualTo(501);
  }

  @Test
  void shouldNotTakeOnesOwnPauseForALossOfOthers() {
    PhiAccrualFailureDetector detector =
        new PhiAccrualFailureDetector(8, 100, millis(50), millis(800), millis(200), clock);
    for (int i = 0; i < 20; i++) {
      after(200);
      detector.heartbeat();
    }
    after(60_000);
    assertThat(detector.isAvailable()).isTrue();
    for (int i = 0; i < 10; i++) {
      after(200);
      detector.isAvailable();
    }
    assertThat(detector.isAvailable()).isFalse();
  }
}
