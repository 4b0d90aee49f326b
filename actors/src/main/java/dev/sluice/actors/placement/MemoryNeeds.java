package dev.sluice.actors.placement;

import dev.sluice.model.cache.KvType;

/**
 * What a stage needs memory for besides weights.
 *
 * @param kvTokens positions that the KV cache is to hold, over all sequences; 0 for none
 * @param kvType how keys and values are stored
 * @param maxRows rows of a micro-batch; 0 leaves buffers out of account
 * @param maxLogitRows rows of logits of a micro-batch
 * @param logBytes what a stage may keep in memory of the activations that it passed on
 * @param kvReplica whether each stage sets as much aside for a copy of another one's keys and
 *     values as for its own
 */
public record MemoryNeeds(
    long kvTokens, KvType kvType, int maxRows, int maxLogitRows, long logBytes, boolean kvReplica) {
  /** Weights only. */
  public static final MemoryNeeds WEIGHTS_ONLY = new MemoryNeeds(0, KvType.F32, 0, 0, 0, false);

  public MemoryNeeds {
    if (kvTokens < 0 || maxRows < 0 || maxLogitRows < 0 || logBytes < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: "
              + kvTokens
              + " tokens, "
              + maxRows
              + " rows, "
              + maxLogitRows
              + " rows of logits, "
              + logBytes
              + " bytes of activations");
    }
  }

  /** Needs without a log of activations or copies of keys and values. */
  public MemoryNeeds(long kvTokens, KvType kvType, int maxRows, int maxLogitRows) {
    this(kvTokens, kvType, maxRows, maxLogitRows, 0, false);
  }
}
