package dev.sluice.stages.link;

import dev.sluice.model.shard.MicroBatch;

/** Failure codes of {@code SampledTokens} results beyond those of {@link MicroBatch}. */
public final class SampleFailure {
  /** A step's slot is not open, its opening was malformed, or its position is beyond the log. */
  public static final int BAD_SEQUENCE = 4;

  private SampleFailure() {}
}
