package dev.sluice.transport;

/** Takes what a {@link FrameReceiver} received, on the thread that polls. */
public interface FrameHandler {
  /**
   * A whole, checked frame. It and its payload are valid until this method returns; its payload
   * begins at an address that is a multiple of 16. An exception passes through {@code poll}; the
   * frame counts as taken.
   *
   * @return false for "not now": the same frame comes again with the next poll, nothing else of
   *     this sender comes before it, and the sender is slowed down
   */
  boolean onFrame(Frame frame);

  /**
   * Frames of an epoch were lost or damaged. What else arrives of that epoch and of older ones is
   * dropped. Called once an epoch.
   */
  default void onBroken(int epoch, String reason) {}
}
