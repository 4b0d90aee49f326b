package dev.sluice.actors.cluster;

import akka.event.EventStream;
import akka.remote.FailureDetector;
import akka.remote.PhiAccrualFailureDetector;
import com.typesafe.config.Config;
import java.util.concurrent.TimeUnit;
import scala.Option;
import scala.concurrent.duration.FiniteDuration;

/**
 * Akka's failure detector, by a {@link RunningClock}: a member that was stopped itself does not
 * tell the cluster, when it wakes up, that all others are lost. Named in sluice-cluster.conf; Akka
 * makes one for each member that is watched.
 */
final class RunningTimeDetector implements FailureDetector {
  /** One for all, since it is read by each. */
  private static final RunningClock CLOCK = new RunningClock(System::nanoTime);

  private final PhiAccrualFailureDetector detector;

  /**
   * @param config of the failure detector, as Akka documents it
   */
  RunningTimeDetector(Config config, EventStream events) {
    detector =
        new PhiAccrualFailureDetector(
            config.getDouble("threshold"),
            config.getInt("max-sample-size"),
            duration(config, "min-std-deviation"),
            duration(config, "acceptable-heartbeat-pause"),
            duration(config, "heartbeat-interval"),
            Option.apply(events),
            CLOCK);
  }

  private static FiniteDuration duration(Config config, String key) {
    return FiniteDuration.create(config.getDuration(key).toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public boolean isAvailable() {
    return detector.isAvailable();
  }

  @Override
  public boolean isMonitoring() {
    return detector.isMonitoring();
  }

  @Override
  public void heartbeat() {
    detector.heartbeat();
  }
}
