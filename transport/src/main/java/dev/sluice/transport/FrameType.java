package dev.sluice.transport;

/** What a {@link Frame} says. The codes are the wire's: they never change. */
public enum FrameType {
  /** A sequence begins: its slot, how to sample it, and its tokens so far. */
  OPEN(0),
  /** A micro-batch: rows of activations (or token ids, into the first stage). */
  STEP(1),
  /** Sequences end: each stage frees what it holds for their slots. */
  CLOSE(2),
  /** What was sampled from a micro-batch. */
  TOKENS(3),
  /**
   * A micro-batch of one sequence that went through the pipeline before: rows for a stage that has
   * lost them, no payload for one that has not.
   */
  REPLAY(4),
  /** Keys and values of a sequence, between a stage and the one that keeps a copy of them. */
  KV(5);

  private static final FrameType[] ALL = values();

  private final int code;

  FrameType(int code) {
    this.code = code;
  }

  /** On the wire, from 0 up without a hole. */
  int code() {
    return code;
  }

  /** The type with this wire code, which must be below {@link #count()}. */
  static FrameType of(int code) {
    return ALL[code];
  }

  static int count() {
    return ALL.length;
  }
}
