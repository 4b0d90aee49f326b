package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * One transformer layer (Vaswani et al., 2017) in the order that all supported models share: norm,
 * attention, add; norm, feed-forward, add.
 */
final class LayerRunner {
  /** Added to scores of positions that a row does not see: its exponential is exactly 0. */
  private static final double UNSEEN = -1e30;

  private final Algebra algebra;
  private final ModelSpec spec;
  private final Layer layer;
  private final int index;
  private final int window;
  private final @Nullable Rotation rotation;

  /**
   * A layer.
   *
   * @param index its index within the shard, under which its keys and values are stored
   * @param window how many positions a row sees, its own included
   * @param rotation rotary embedding, or none
   */
  LayerRunner(
      Algebra algebra,
      ModelSpec spec,
      Layer layer,
      int index,
      int window,
      @Nullable Rotation rotation) {
    this.algebra = algebra;
    this.spec = spec;
    this.layer = layer;
    this.index = index;
    this.window = window;
    this.rotation = rotation;
  }

  /** The layer's output for rows {@code x} at positions from {@code start} on: a new array. */
  INDArray run(INDArray x, SequenceCache cache, int start) {
    try (Scope scope = new Scope()) {
      INDArray attentionInput = scope.own(algebra.norm(x, layer.attentionNorm(), spec));
      INDArray attention = scope.own(attention(attentionInput, cache, start));
      if (layer.postAttentionNorm() != null) {
        attention = scope.own(algebra.norm(attention, layer.postAttentionNorm(), spec));
      }
      INDArray y = scope.own(x.add(attention));
      INDArray feedForwardInput = scope.own(algebra.norm(y, layer.feedForwardNorm(), spec));
      INDArray feedForward = scope.own(feedForward(feedForwardInput));
      if (layer.postFeedForwardNorm() != null) {
        feedForward = scope.own(algebra.norm(feedForward, layer.postFeedForwardNorm(), spec));
      }
      y.addi(feedForward);
      return scope.release(y);
    }
  }

  private INDArray attention(INDArray x, SequenceCache cache, int start) {
    try (Scope scope = new Scope()) {
      INDArray query;
      INDArray key;
      INDArray value;
      if (layer.fusedQkv() != null) {
        INDArray all = scope.own(algebra.linear(x, layer.fusedQkv()));
        int q = spec.queryLength();
        int k = spec.keysLength();
        query = scope.own(algebra.columns(all, 0, q));
        key = scope.own(algebra.columns(all, q, k));
        value = scope.own(algebra.columns(all, q + k, spec.valuesLength()));
      } else {
        query = scope.own(algebra.linear(x, given(layer.query())));
        key = scope.own(algebra.linear(x, given(layer.key())));
        value = scope.own(algebra.linear(x, given(layer.value())));
      }
      if (layer.queryNorm() != null) {
        query = scope.own(headNorm(query, layer.queryNorm()));
      }
      if (layer.keyNorm() != null) {
        key = scope.own(headNorm(key, layer.keyNorm()));
      }
      if (rotation != null) {
        rotation.apply(query, spec.heads(), start);
        rotation.apply(key, spec.kvHeads(), start);
      }
      cache.put(true, index, start, key);
      cache.put(false, index, start, value);
      INDArray heads = scope.own(heads(query, cache, start));
      return algebra.linear(heads, layer.attentionOutput());
    }
  }

  private INDArray headNorm(INDArray x, Norm norm) {
    long length = spec.keyLength();
    INDArray heads = x.reshape('c', x.length() / length, length);
    try (Scope scope = new Scope()) {
      INDArray normed = scope.own(algebra.norm(heads, norm, spec));
      INDArray y = algebra.array(x.shape());
      y.assign(normed.reshape('c', x.shape()));
      return y;
    }
  }

  /** {@code softmax(Q K^T * scale) V} of every head, side by side. */
  private INDArray heads(INDArray query, SequenceCache cache, int start) {
    int rows = (int) query.size(0);
    int end = start + rows;
    int group = spec.heads() / spec.kvHeads();
    try (Scope scope = new Scope()) {
      INDArray mask = scope.own(mask(start, rows));
      INDArray result = scope.own(algebra.array(rows, (long) spec.heads() * spec.valueLength()));
      for (int head = 0; head < spec.heads(); head++) {
        try (Scope headScope = new Scope()) {
          INDArray q =
              headScope.own(
                  algebra.columns(query, (long) head * spec.keyLength(), spec.keyLength()));
          INDArray keys = cache.keys(index, head / group, end);
          INDArray scores = headScope.own(algebra.timesTransposed(q, keys));
          scores.muli(spec.attentionScale());
          if (spec.attentionSoftCap() > 0) {
            algebra.softCap(scores, spec.attentionSoftCap());
          }
          algebra.softmax(scores.addi(mask));
          INDArray values =
              headScope.own(algebra.times(scores, cache.values(index, head / group, end)));
          result.get(NDArrayIndex.all(), columnsOf(head)).assign(values);
        }
      }
      return scope.release(result);
    }
  }

  private INDArrayIndex columnsOf(int head) {
    long length = spec.valueLength();
    return NDArrayIndex.interval(head * length, (head + 1) * length);
  }

  /** 0 where row {@code start + r} sees position {@code p}, else {@link #UNSEEN}. */
  private INDArray mask(int start, int rows) {
    int end = start + rows;
    INDArray mask = algebra.array(rows, end);
    MemorySegment memory = algebra.memory(mask);
    long at = 0;
    for (int position = start; position < end; position++) {
      for (int seen = 0; seen < end; seen++) {
        boolean visible = seen <= position && position - seen < window;
        algebra.set(memory, at++, visible ? 0 : UNSEEN);
      }
    }
    return mask;
  }

  /** {@code down(act(gate(x)) * up(x))}, or {@code down(act(up(x)))} without a gate. */
  private INDArray feedForward(INDArray x) {
    try (Scope scope = new Scope()) {
      INDArray hidden = scope.own(algebra.linear(x, layer.up()));
      if (layer.gate() != null) {
        INDArray gate = scope.own(algebra.linear(x, layer.gate()));
        activate(gate);
        hidden.muli(gate);
      } else if (spec.architecture().fusedGateUp()) {
        int length = spec.feedForwardLength();
        INDArray gate = scope.own(algebra.columns(hidden, 0, length));
        hidden = scope.own(algebra.columns(hidden, length, length));
        activate(gate);
        hidden.muli(gate);
      } else {
        activate(hidden);
      }
      return algebra.linear(hidden, layer.down());
    }
  }

  private void activate(INDArray x) {
    switch (spec.activation()) {
      case SILU -> algebra.silu(x);
      case GELU_TANH -> algebra.geluTanh(x);
    }
  }

  private static Linear given(@Nullable Linear linear) {
    if (linear == null) {
      throw new IllegalStateException("a layer without its weights");
    }
    return linear;
  }
}
