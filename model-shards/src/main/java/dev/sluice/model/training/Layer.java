package dev.sluice.model.training;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One layer: {@code m = x + attention(norm(x))}, {@code y = m + feedForward(norm(m))}. It keeps
 * what the forward pass computed until the backward pass has used it up.
 */
final class Layer {
  private final Compute compute;
  private final ModelShape shape;
  private final Shared shared;
  private final int index;
  private final NormLayer attentionNorm;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear output;
  private final NormLayer hiddenNorm;
  private final @Nullable Linear gate;
  private final Linear up;
  private final Linear down;
  private final MemorySegment input;
  private final MemorySegment attentionInput;
  private final AttentionLayer.Rows rows;
  private final MemorySegment middle;
  private final MemorySegment hiddenInput;
  private final MemorySegment gates;
  private final MemorySegment ups;

  /**
   * What the layers of a model use in turn.
   *
   * @param normGradient rows of the model's width
   * @param gradients of queries, keys, values and attention's output
   * @param hidden rows of the feed-forward's length
   */
  record Shared(
      AttentionLayer attention,
      Dropout dropout,
      MemorySegment normGradient,
      AttentionLayer.Rows gradients,
      MemorySegment hidden) {}

  Layer(
      Compute compute,
      ModelShape shape,
      Shared shared,
      int index,
      int batch,
      @Nullable LoraOptions lora) {
    this.compute = compute;
    this.shape = shape;
    this.shared = shared;
    this.index = index;
    int width = shape.width();
    int keys = shape.keysLength();
    int hidden = shape.feedForward();
    String prefix = "blk." + index + ".";
    boolean learns = lora == null;
    attentionNorm = norm(prefix + "attn_norm.weight", batch, learns);
    query = linear("attn_q", width, width, batch, lora);
    key = linear("attn_k", keys, width, batch, lora);
    value = linear("attn_v", keys, width, batch, lora);
    output = linear("attn_output", width, width, batch, lora);
    hiddenNorm = norm(prefix + "ffn_norm.weight", batch, learns);
    boolean gated = shape.activation() == FeedForward.SWIGLU;
    gate = gated ? linear("ffn_gate", hidden, width, batch, lora) : null;
    up = linear("ffn_up", hidden, width, batch, lora);
    down = linear("ffn_down", width, hidden, batch, lora);
    input = compute.allocate((long) batch * width);
    attentionInput = compute.allocate((long) batch * width);
    rows = rows(compute, shape, batch);
    middle = compute.allocate((long) batch * width);
    hiddenInput = compute.allocate((long) batch * width);
    gates = gated ? compute.allocate((long) batch * hidden) : MemorySegment.NULL;
    ups = compute.allocate((long) batch * hidden);
  }

  static AttentionLayer.Rows rows(Compute compute, ModelShape shape, int batch) {
    long wide = (long) batch * shape.width();
    long narrow = (long) batch * shape.keysLength();
    return new AttentionLayer.Rows(
        compute.allocate(wide),
        compute.allocate(narrow),
        compute.allocate(narrow),
        compute.allocate(wide));
  }

  private NormLayer norm(String name, int batch, boolean learns) {
    return new NormLayer(compute, name, shape.width(), shape.normEpsilon(), batch, learns);
  }

  private Linear linear(
      String name, int outputs, int inputs, int batch, @Nullable LoraOptions lora) {
    String full = "blk." + index + "." + name + ".weight";
    if (lora == null) {
      return Linear.of(compute, full, outputs, inputs);
    }
    int rank = lora.targets().contains(name) ? lora.rank() : 0;
    return Linear.adapted(compute, full, outputs, inputs, rank, lora.alpha(), batch);
  }

  void collect(List<Parameter> parameters) {
    attentionNorm.collect(parameters);
    query.collect(parameters);
    key.collect(parameters);
    value.collect(parameters);
    output.collect(parameters);
    hiddenNorm.collect(parameters);
    if (gate != null) {
      gate.collect(parameters);
    }
    up.collect(parameters);
    down.collect(parameters);
  }

  /** Where the layer takes its input from; the caller fills it before {@link #forward}. */
  MemorySegment input() {
    return input;
  }

  void forward(Batch batch, MemorySegment result) {
    int count = batch.count();
    attentionNorm.forward(input, attentionInput, count);
    query.forward(attentionInput, rows.q(), count, false);
    key.forward(attentionInput, rows.k(), count, false);
    value.forward(attentionInput, rows.v(), count, false);
    turn(batch, rows, false);
    shared.attention.forward(batch, rows);
    residual(output, rows.output(), input, middle, count, 0);
    hiddenNorm.forward(middle, hiddenInput, count);
    up.forward(hiddenInput, ups, count, false);
    if (gate != null) {
      gate.forward(hiddenInput, gates, count, false);
    }
    activate(count);
    residual(down, shared.hidden, middle, result, count, 1);
  }

  /** {@code result = before + dropout(linear(x))}. */
  private void residual(
      Linear linear,
      MemorySegment x,
      MemorySegment before,
      MemorySegment result,
      int count,
      int place) {
    if (shared.dropout.active()) {
      linear.forward(x, result, count, false);
      shared.dropout.apply(result, count, shape.width(), place(place));
      add(before, result, count);
    } else {
      copy(before, result, count);
      linear.forward(x, result, count, true);
    }
  }

  private int place(int within) {
    return 1 + 2 * index + within;
  }

  /**
   * From the gradient of the layer's result to that of its input, in place.
   *
   * @param work as long, free to use
   */
  void backward(Batch batch, MemorySegment gradient, MemorySegment work) {
    int count = batch.count();
    MemorySegment given = dropped(gradient, work, count, 1);
    down.inputGradient(given, shared.hidden, count, false);
    activateBackward(count);
    down.weightGradient(shared.hidden, given, count);
    up.backward(hiddenInput, ups, shared.normGradient, count, false);
    if (gate != null) {
      gate.backward(hiddenInput, gates, shared.normGradient, count, true);
    }
    hiddenNorm.backward(middle, shared.normGradient, gradient, count);
    given = dropped(gradient, work, count, 0);
    output.backward(rows.output(), given, shared.gradients.output(), count, false);
    shared.attention.backward(batch, rows, shared.gradients);
    turn(batch, shared.gradients, true);
    query.backward(attentionInput, shared.gradients.q(), shared.normGradient, count, false);
    key.backward(attentionInput, shared.gradients.k(), shared.normGradient, count, true);
    value.backward(attentionInput, shared.gradients.v(), shared.normGradient, count, true);
    attentionNorm.backward(input, shared.normGradient, gradient, count);
  }

  /** The gradient, as it is behind the dropout. */
  private MemorySegment dropped(MemorySegment gradient, MemorySegment work, int count, int place) {
    if (!shared.dropout.active()) {
      return gradient;
    }
    copy(gradient, work, count);
    shared.dropout.apply(work, count, shape.width(), place(place));
    return work;
  }

  private void turn(Batch batch, AttentionLayer.Rows turned, boolean back) {
    if (shape.positions() != PositionEncoding.ROPE) {
      return;
    }
    int width = shape.width();
    int keys = shape.keysLength();
    Numerics numerics = compute.numerics();
    compute.rows(
        batch.count(),
        (from, count) -> {
          for (int row = from; row < from + count; row++) {
            int position = batch.position(row);
            numerics.turn(turned.q(), (long) row * width, shape.heads(), position, back);
            numerics.turn(turned.k(), (long) row * keys, shape.kvHeads(), position, back);
          }
        });
  }

  private void activate(int count) {
    int length = shape.feedForward();
    compute.rows(
        count,
        (from, part) -> {
          long at = (long) from * length;
          if (gate == null) {
            compute.numerics().gelu(ups, shared.hidden, at, part * length);
          } else {
            compute.numerics().siluGate(gates, ups, shared.hidden, at, part * length);
          }
        });
  }

  /** Gates and ups become their gradients, and their gradient becomes the activations. */
  private void activateBackward(int count) {
    int length = shape.feedForward();
    compute.rows(
        count,
        (from, part) -> {
          long at = (long) from * length;
          if (gate == null) {
            compute.numerics().geluBackward(ups, shared.hidden, at, part * length);
          } else {
            compute.numerics().siluGateBackward(gates, ups, shared.hidden, at, part * length);
          }
        });
  }

  private void add(MemorySegment x, MemorySegment y, int count) {
    int width = shape.width();
    compute.rows(
        count,
        (from, part) -> {
          long at = (long) from * width;
          compute.numerics().add(x, at, y, at, part * width);
        });
  }

  private void copy(MemorySegment x, MemorySegment y, int count) {
    long bytes = (long) count * shape.width() * compute.numerics().bytes();
    MemorySegment.copy(x, 0, y, 0, bytes);
  }
}
