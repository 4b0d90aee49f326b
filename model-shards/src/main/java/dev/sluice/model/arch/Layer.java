package dev.sluice.model.arch;

import dev.sluice.model.kernel.Rope;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The weights of one layer. Parts that an architecture does not have are null.
 *
 * @param attentionNorm before attention
 * @param qkv query, key and value side by side
 * @param queryNorm of each query head, {@code [keyLength]}
 * @param keyNorm of each key head, {@code [keyLength]}
 * @param rope turns queries and keys
 * @param attentionOutput from the heads' values back to the row
 * @param postAttentionNorm of attention's result, before it is added
 * @param feedForwardNorm before the feed-forward
 * @param gateUp gate and up side by side, or up alone
 * @param down back to the row
 * @param postFeedForwardNorm of the feed-forward's result, before it is added
 * @param window positions that a row sees, its own included
 */
record Layer(
    Norm attentionNorm,
    Projection qkv,
    @Nullable MemorySegment queryNorm,
    @Nullable MemorySegment keyNorm,
    @Nullable Rope rope,
    Projection attentionOutput,
    @Nullable Norm postAttentionNorm,
    Norm feedForwardNorm,
    Projection gateUp,
    Projection down,
    @Nullable Norm postFeedForwardNorm,
    int window) {

  /** Loads layer {@code index}; a missing or misshapen tensor is refused by name. */
  static Layer load(TensorLoader tensors, ModelSpec spec, int index, @Nullable Rope rope) {
    Architecture traits = spec.architecture();
    String prefix = TensorNames.layerPrefix(index);
    boolean biased = traits.norm() == NormKind.LAYER;
    return new Layer(
        Norm.load(tensors, prefix + TensorNames.ATTENTION_NORM, spec),
        qkv(tensors, spec, prefix),
        headNorm(tensors, spec, prefix + TensorNames.QUERY_NORM),
        headNorm(tensors, spec, prefix + TensorNames.KEY_NORM),
        rope,
        new Projection.Loader(tensors, spec.heads() * spec.valueLength(), biased)
            .part(prefix + TensorNames.ATTENTION_OUTPUT, spec.embeddingLength())
            .load(),
        postNorm(tensors, spec, prefix + TensorNames.POST_ATTENTION_NORM),
        Norm.load(tensors, prefix + TensorNames.FEED_FORWARD_NORM, spec),
        gateUp(tensors, spec, prefix, biased),
        new Projection.Loader(tensors, spec.feedForwardLength(), biased)
            .part(prefix + TensorNames.DOWN, spec.embeddingLength())
            .load(),
        postNorm(tensors, spec, prefix + TensorNames.POST_FEED_FORWARD_NORM),
        spec.window(index));
  }

  private static Projection qkv(TensorLoader tensors, ModelSpec spec, String prefix) {
    Architecture traits = spec.architecture();
    Projection.Loader loader =
        new Projection.Loader(tensors, spec.embeddingLength(), traits.qkvBiases());
    int queries = spec.queryLength();
    int keys = spec.keysLength();
    int values = spec.valuesLength();
    if (traits.fusedQkv()) {
      loader.part(prefix + TensorNames.FUSED_QKV, queries + keys + values);
    } else {
      loader
          .part(prefix + TensorNames.QUERY, queries)
          .part(prefix + TensorNames.KEY, keys)
          .part(prefix + TensorNames.VALUE, values);
    }
    return loader.load();
  }

  private static Projection gateUp(
      TensorLoader tensors, ModelSpec spec, String prefix, boolean biased) {
    Architecture traits = spec.architecture();
    Projection.Loader loader = new Projection.Loader(tensors, spec.embeddingLength(), biased);
    int length = spec.feedForwardLength();
    if (traits.fusedGateUp()) {
      loader.part(prefix + TensorNames.UP, 2 * length);
    } else {
      if (spec.gated()) {
        loader.part(prefix + TensorNames.GATE, length);
      }
      loader.part(prefix + TensorNames.UP, length);
    }
    return loader.load();
  }

  private static @Nullable MemorySegment headNorm(
      TensorLoader tensors, ModelSpec spec, String name) {
    String weight = TensorNames.weight(name);
    return spec.architecture().headNorms()
        ? tensors.segment(weight, spec.keyLength())
        : tensors.findSegment(weight, spec.keyLength());
  }

  private static @Nullable Norm postNorm(TensorLoader tensors, ModelSpec spec, String name) {
    return spec.architecture().postNorms() ? Norm.load(tensors, name, spec) : null;
  }
}
