package dev.sluice.stages.link;

import dev.sluice.model.shard.MicroBatch;

/** Failure codes of {@code SampledTokens} results beyond those of {@link MicroBatch}. */
public final class SampleFailure {
  /** A step's slot is not open, its opening was malformed, or its position is beyond the log. */
  public static final int BAD_SEQUENCE = 4;

  /** No token is allowed by both the grammar and the bias, or the grammar is too ambiguous. */
  public static final int GRAMMAR = 5;

  /**
   * No failure: the grammar is matched as a whole, nothing may follow, and no token that ends an
   * answer is there to say so.
   */
  public static final int GRAMMAR_ENDED = 6;

  private SampleFailure() {}
}
