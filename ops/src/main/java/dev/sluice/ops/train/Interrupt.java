package dev.sluice.ops.train;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns an interrupt or a termination of the process into a wish to stop, and holds the process
 * until {@link #close} says that all is saved.
 */
final class Interrupt implements AutoCloseable {
  private static final long LIMIT_MINUTES = 5;

  private final CountDownLatch saved = new CountDownLatch(1);
  private final Thread hook = new Thread(this::onExit, "sluice-train-exit");
  private volatile boolean wished;

  private Interrupt() {}

  static Interrupt install() {
    Interrupt interrupt = new Interrupt();
    Runtime.getRuntime().addShutdownHook(interrupt.hook);
    return interrupt;
  }

  /** Whether the process was told to end. */
  boolean wished() {
    return wished;
  }

  /** Lets the process end. */
  @Override
  public void close() {
    saved.countDown();
    try {
      boolean _ = Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      // The process ends already, and the hook has been told.
    }
  }

  private void onExit() {
    wished = true;
    try {
      boolean _ = saved.await(LIMIT_MINUTES, TimeUnit.MINUTES);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
