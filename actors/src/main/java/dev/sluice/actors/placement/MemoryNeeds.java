package dev.sluice.actors.placement;

import dev.sluice.model.cache.KvType;

/**
 * What a stage needs memory for besides weights.
 *
 * @param kvTokens positions that the KV cache is to hold, over all sequences; 0 for none
 * @param kvType how keys and values are stored
 * @param maxRows rows of a micro-batch; 0 leaves buffers out of account
 * @param maxLogitRows rows of logits of a micro-batch
 */
public record MemoryNeeds(long kvTokens, KvType kvType, int maxRows, int maxLogitRows) {
  /** Weights only. */
  public static final MemoryNeeds WEIGHTS_ONLY = new MemoryNeeds(0, KvType.F32, 0, 0);

  public MemoryNeeds {
    if (kvTokens < 0 || maxRows < 0 || maxLogitRows < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: "
              + kvTokens
              + " tokens, "
              + maxRows
              + " rows, "
              + maxLogitRows
              + " rows of logits");
    }
  }
}
