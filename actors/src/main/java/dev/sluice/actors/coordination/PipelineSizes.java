package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.model.cache.KvType;
import java.time.Duration;

/**
 * The sizes that all nodes of a pipeline must agree on. The coordinator chooses them; they travel
 * with the plan.
 *
 * @param embeddingLength elements of a row of activations
 * @param vocabularySize elements of a row of logits
 * @param contextTokens longest sequence
 * @param kvTokens positions that the KV cache of each stage holds
 * @param kvType how keys and values are stored
 * @param pageTokens positions of a KV page
 * @param maxSequences sequences in the pipeline at a time
 * @param maxWaiting requests that wait for a place
 * @param prefillChunk most tokens of one prompt in one micro-batch
 * @param tokenBudget most tokens of a micro-batch
 * @param maxLogitRows most rows of logits of a micro-batch
 * @param unreadLimit most events of a sequence that its consumer has not taken
 * @param queueTimeout longest time that a request waits for a place
 * @param stepTimeout longest time of a micro-batch in flight
 * @param kvReplica whether each stage keeps a copy of the keys and values of the one before it
 * @param prefixCache whether sequences share the KV pages of what they begin with
 */
public record PipelineSizes(
    int embeddingLength,
    int vocabularySize,
    int contextTokens,
    int kvTokens,
    KvType kvType,
    int pageTokens,
    int maxSequences,
    int maxWaiting,
    int prefillChunk,
    int tokenBudget,
    int maxLogitRows,
    int unreadLimit,
    Duration queueTimeout,
    Duration stepTimeout,
    boolean kvReplica,
    boolean prefixCache)
    implements WireMessage {

  /** The same sizes with another KV cache. */
  public PipelineSizes withKvTokens(int tokens) {
    return new PipelineSizes(
        embeddingLength,
        vocabularySize,
        contextTokens,
        tokens,
        kvType,
        pageTokens,
        maxSequences,
        maxWaiting,
        prefillChunk,
        tokenBudget,
        maxLogitRows,
        unreadLimit,
        queueTimeout,
        stepTimeout,
        kvReplica,
        prefixCache);
  }
}
