package dev.sluice.transport;

import java.nio.file.Path;

/**
 * A process's access to links: an Aeron client and, unless there is one already, a media driver.
 * For any thread. Who launched it closes it.
 */
@SuppressWarnings("DoNotCallSuggester") // until the implementation follows
public final class Transport implements AutoCloseable {
  private Transport() {}

  /**
   * Starts a driver (or finds one) and connects to it.
   *
   * @throws TransportException if that fails; nothing is left behind
   */
  public static Transport launch(TransportConfig config) {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens the sending end of a link. Its receiver may come later.
   *
   * @throws TransportException if the address is not allowed or the driver refuses it
   */
  public FrameSender sender(LinkAddress address) {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens the receiving end of a link.
   *
   * @throws TransportException if the address is not allowed or taken, or the driver refuses it
   */
  public FrameReceiver receiver(LinkAddress address) {
    throw new UnsupportedOperationException();
  }

  /** Where the driver keeps its files. */
  public Path aeronDirectory() {
    throw new UnsupportedOperationException();
  }

  /**
   * Closes every link, then client and driver, and removes the directory that was made for them.
   * Waits a bounded time for calls in progress on other threads; a handler that takes longer
   * finishes the closing when it returns.
   */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
