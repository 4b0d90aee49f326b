package dev.sluice.transport;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.file.Path;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/** How an embedded media driver is set up. */
final class Drivers {
  /** A link has one sender; each more, also a stranger's, takes memory. */
  private static final int STREAM_SESSIONS = 64;

  private Drivers() {}

  static MediaDriver.Context context(TransportConfig config, Path directory, ErrorHandler errors) {
    long liveness = config.livenessTimeout().toNanos();
    return new MediaDriver.Context()
        .aeronDirectoryName(directory.toString())
        .dirDeleteOnStart(false)
        .dirDeleteOnShutdown(false)
        .warnIfDirectoryExists(false)
        // One thread for all: the cores have kernels to run.
        .threadingMode(ThreadingMode.SHARED)
        .sharedIdleStrategy(idle(config))
        .sharedThreadFactory(threads("sluice-aeron-driver"))
        // Looking up a name can take seconds; addresses of the loopback need none.
        .asyncExecutorEnabled(config.allowRemote())
        .asyncExecutorThreadFactory(threads("sluice-aeron-names"))
        .termBufferSparseFile(true)
        .publicationTermBufferLength(config.termBufferLength())
        .ipcTermBufferLength(config.termBufferLength())
        .mtuLength(config.udpMtu())
        .ipcMtuLength(config.ipcMtu())
        .timerIntervalNs(Math.min(TimeUnit.SECONDS.toNanos(1), liveness / 10))
        .driverTimeoutMs(driverTimeoutMillis(config))
        .clientLivenessTimeoutNs(liveness)
        .imageLivenessTimeoutNs(liveness)
        .streamSessionLimit(STREAM_SESSIONS)
        .publicationConnectionTimeoutNs(Math.min(TimeUnit.SECONDS.toNanos(5), liveness))
        .publicationUnblockTimeoutNs(liveness + liveness / 2)
        .errorHandler(errors);
  }

  /**
   * The driver of the own process can only be late, not gone: where a machine that slept wakes up,
   * it has some time more.
   */
  static long driverTimeoutMillis(TransportConfig config) {
    long millis = config.livenessTimeout().toMillis();
    return config.embeddedDriver() ? 3 * millis : millis;
  }

  static ThreadFactory threads(String name) {
    return runnable -> Thread.ofPlatform().daemon().name(name).unstarted(runnable);
  }

  private static IdleStrategy idle(TransportConfig config) {
    return switch (config.idle()) {
      // The first frame over UDP after a pause waits for the end of a sleep; over IPC the driver is
      // not on the way.
      case BACKOFF ->
          new BackoffIdleStrategy(
              20, 20, TimeUnit.MICROSECONDS.toNanos(1), TimeUnit.MILLISECONDS.toNanos(1));
      case SPIN -> new BusySpinIdleStrategy();
    };
  }
}
