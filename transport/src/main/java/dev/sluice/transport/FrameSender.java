package dev.sluice.transport;

import io.aeron.Publication;

/**
 * The sending end of a link. For one thread; {@link #close()} and the counters are for any. Who
 * opened it closes it; closing its {@link Transport} closes it too.
 */
@SuppressWarnings("DoNotCallSuggester") // until the implementation follows
public final class FrameSender implements AutoCloseable {
  /** No receiver is there (yet, or any more). Offer the frame again later. */
  public static final long NOT_CONNECTED = Publication.NOT_CONNECTED;

  /** The receiver has no room now. Offer the frame again. */
  public static final long BACK_PRESSURED = Publication.BACK_PRESSURED;

  /** The log was being turned over. Offer the frame again at once. */
  public static final long ADMIN_ACTION = Publication.ADMIN_ACTION;

  /** This end is closed, or its driver is gone. It stays so. */
  public static final long CLOSED = Publication.CLOSED;

  private final LinkCounters counters = new LinkCounters();

  FrameSender() {}

  /**
   * Sends a frame, as much of it as the link takes now.
   *
   * @return above 0: the whole frame is sent; else one of the constants: call again with the same,
   *     unchanged frame, and it goes on where it stood
   */
  public long offer(Frame frame) {
    throw new UnsupportedOperationException();
  }

  /** Whether a receiver is there. */
  public boolean isConnected() {
    throw new UnsupportedOperationException();
  }

  public LinkCounters counters() {
    return counters;
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
