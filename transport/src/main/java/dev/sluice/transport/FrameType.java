package dev.sluice.transport;

/**
 * What a {@link Frame} says. The order is the wire's: it never changes, new types go to the end.
 */
public enum FrameType {
  /** A sequence begins: its slot, how to sample it, and its tokens so far. */
  OPEN,
  /** A micro-batch: rows of activations (or token ids, into the first stage). */
  STEP,
  /** Sequences end: each stage frees what it holds for their slots. */
  CLOSE,
  /** What was sampled from a micro-batch. */
  TOKENS;

  private static final FrameType[] ALL = values();

  /** The type with this wire code, which must be below {@link #count()}. */
  static FrameType of(int code) {
    return ALL[code];
  }

  static int count() {
    return ALL.length;
  }
}
