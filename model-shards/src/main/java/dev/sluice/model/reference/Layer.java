package dev.sluice.model.reference;

import org.jspecify.annotations.Nullable;

/**
 * The weights of one layer. Where an architecture fuses maps, the fused one stands here whole, as
 * the file has it.
 *
 * @param attentionNorm norm before attention
 * @param query queries; null where {@code fusedQkv} is not
 * @param key keys; likewise
 * @param value values; likewise
 * @param fusedQkv queries, keys and values, one after the other
 * @param queryNorm norm of each query head, or none
 * @param keyNorm norm of each key head, or none
 * @param attentionOutput from the heads' values back to the row
 * @param postAttentionNorm norm of what attention gives, or none
 * @param feedForwardNorm norm before the feed-forward
 * @param gate the gate; null without one, or where it is fused
 * @param up up to the hidden row; gate first, then up, where the architecture fuses them
 * @param down back from the hidden row
 * @param postFeedForwardNorm norm of what the feed-forward gives, or none
 */
record Layer(
    Norm attentionNorm,
    @Nullable Linear query,
    @Nullable Linear key,
    @Nullable Linear value,
    @Nullable Linear fusedQkv,
    @Nullable Norm queryNorm,
    @Nullable Norm keyNorm,
    Linear attentionOutput,
    @Nullable Norm postAttentionNorm,
    Norm feedForwardNorm,
    @Nullable Linear gate,
    Linear up,
    Linear down,
    @Nullable Norm postFeedForwardNorm) {}
