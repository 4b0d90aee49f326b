package dev.sluice.actors.placement;

import dev.sluice.model.shard.LayerRange;

/**
 * What one stage of a {@link ShardPlan} holds and costs.
 *
 * @param stage its index, from 0
 * @param range its layers, at least one
 * @param embedding whether it holds the token embedding: the first stage does, and the last one too
 *     where the model ties the output head to it
 * @param head whether it holds the final norm and the output head: the last stage
 * @param weightBytes bytes of its weights
 * @param kvBytesPerToken bytes of keys and values of one position in its layers, and of a copy of
 *     as many where copies are kept
 * @param kvBytes bytes of keys and values for the wanted number of tokens; 0 where none was given
 * @param bufferBytes bytes of its activation and logits buffers; 0 where no sizes were given
 * @param costShare its share of the work of one token, 0..1; the shares of a plan add up to 1
 */
public record StagePlan(
    int stage,
    LayerRange range,
    boolean embedding,
    boolean head,
    long weightBytes,
    long kvBytesPerToken,
    long kvBytes,
    long bufferBytes,
    double costShare) {
  /** Weights, keys and values, and buffers. */
  public long totalBytes() {
    return weightBytes + kvBytes + bufferBytes;
  }
}
