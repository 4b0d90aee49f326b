package dev.sluice.transport;

/**
 * The receiving end of a link. {@link #poll} is for one thread; all else is for any. Who opened it
 * closes it; closing its {@link Transport} closes it too.
 */
@SuppressWarnings("DoNotCallSuggester") // until the implementation follows
public final class FrameReceiver implements AutoCloseable {
  private final LinkCounters counters = new LinkCounters();

  FrameReceiver() {}

  /**
   * Hands what has arrived to the handler: whole frames only, each sender's in the order it sent
   * them.
   *
   * @param limit at most so many frames
   * @return how many frames the handler took; 0 when nothing more is there, or it is closed
   */
  public int poll(FrameHandler handler, int limit) {
    throw new UnsupportedOperationException();
  }

  /** Drops frames of epochs before this one from now on. Never goes back. */
  public void minimumEpoch(int epoch) {
    throw new UnsupportedOperationException();
  }

  /** The newest epoch that broke, or -1. */
  public int failedEpoch() {
    throw new UnsupportedOperationException();
  }

  /** Whether a sender is there. */
  public boolean isConnected() {
    throw new UnsupportedOperationException();
  }

  /** Where it listens: as asked for, with the port that was chosen where 0 was asked for. */
  public LinkAddress address() {
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
