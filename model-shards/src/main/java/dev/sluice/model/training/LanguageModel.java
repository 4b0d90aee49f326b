package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A transformer that learns to predict the next token: embedding, layers, norm and head, and the
 * way back. For one thread, which shares out the work.
 */
final class LanguageModel {
  private static final int HEAD_ROWS = 512;

  private final Compute compute;
  private final ModelShape shape;
  private final Parameter embedding;
  private final List<Layer> layers = new ArrayList<>();
  private final NormLayer norm;
  private final Parameter head;
  private final Dropout dropout;
  private final MemorySegment last;
  private final MemorySegment normed;
  private final MemorySegment gradient;
  private final MemorySegment work;
  private final MemorySegment logits;
  private final double[] losses;
  private final List<Parameter> parameters = new ArrayList<>();

  /**
   * A model whose weights are zeros.
   *
   * @param batch most tokens of a batch
   * @param longest longest sequence
   * @param dropout share of activations that training leaves out
   * @param seed of what is left out
   * @param lora null: all weights learn; else only adapters
   */
  LanguageModel(
      Compute compute,
      ModelShape shape,
      int batch,
      int longest,
      double dropout,
      long seed,
      @Nullable LoraOptions lora) {
    this.compute = compute;
    this.shape = shape;
    this.dropout = new Dropout(compute, dropout, seed);
    int width = shape.width();
    boolean learns = lora == null;
    embedding = matrix("token_embd.weight", learns);
    last = compute.allocate((long) batch * width);
    normed = compute.allocate((long) batch * width);
    gradient = compute.allocate((long) batch * width);
    work = compute.allocate((long) batch * width);
    logits = compute.allocate((long) Math.min(HEAD_ROWS, batch) * shape.vocabulary());
    losses = new double[batch];
    Layer.Shared shared =
        new Layer.Shared(
            new AttentionLayer(compute, shape, longest),
            this.dropout,
            compute.allocate((long) batch * width),
            Layer.rows(compute, shape, batch),
            compute.allocate((long) batch * shape.feedForward()));
    for (int i = 0; i < shape.layers(); i++) {
      layers.add(new Layer(compute, shape, shared, i, batch, lora));
    }
    norm = new NormLayer(compute, "output_norm.weight", width, shape.normEpsilon(), batch, learns);
    head = shape.tied() ? embedding : matrix("output.weight", learns);
    parameters.add(embedding);
    layers.forEach(layer -> layer.collect(parameters));
    norm.collect(parameters);
    if (!shape.tied()) {
      parameters.add(head);
    }
  }

  private Parameter matrix(String name, boolean learns) {
    return Parameter.of(
        compute.numerics(), compute.arena(), name, shape.vocabulary(), shape.width(), learns);
  }

  /** All tensors, in the order of the layers. */
  List<Parameter> parameters() {
    return parameters;
  }

  /** The sum of the losses of a batch's learnt tokens, without dropout; nothing learns. */
  double loss(Batch batch) {
    forward(batch, false);
    return head(batch, 0);
  }

  /**
   * Adds the gradient of {@code factor} times the sum of losses to those of the parameters.
   *
   * @param number of the batch, for dropout
   * @return the sum of the losses
   */
  double learn(Batch batch, double factor, long number) {
    dropout.batch(number);
    forward(batch, true);
    double loss = head(batch, factor);
    backward(batch);
    return loss;
  }

  private void forward(Batch batch, boolean learning) {
    MemorySegment first = layers.getFirst().input();
    dropout.enabled(learning);
    embed(batch, first);
    dropout.apply(first, batch.count(), shape.width(), 0);
    for (int i = 0; i < layers.size(); i++) {
      MemorySegment next = i + 1 < layers.size() ? layers.get(i + 1).input() : last;
      layers.get(i).forward(batch, next);
    }
    norm.forward(last, normed, batch.count());
  }

  private void embed(Batch batch, MemorySegment rows) {
    int width = shape.width();
    Numerics numerics = compute.numerics();
    long bytes = (long) width * numerics.bytes();
    compute.rows(
        batch.count(),
        (from, count) -> {
          for (int row = from; row < from + count; row++) {
            MemorySegment.copy(embedding.value(), batch.id(row) * bytes, rows, row * bytes, bytes);
            if (shape.positions() == PositionEncoding.SINUSOIDAL) {
              numerics.addSinusoids(rows, (long) row * width, width, batch.position(row));
            }
          }
        });
  }

  /**
   * Logits and losses, some rows at a time, so that logits never lie in memory as a whole. With a
   * factor that is not 0, {@link #gradient} becomes the gradient by the normed rows.
   */
  private double head(Batch batch, double factor) {
    MatrixView weights = head.values();
    for (int from = 0; from < batch.count(); from += HEAD_ROWS) {
      int count = Math.min(HEAD_ROWS, batch.count() - from);
      MatrixView rows = MatrixView.of(normed, batch.count(), shape.width()).rows(from, count);
      MatrixView scores = MatrixView.of(logits, count, shape.vocabulary());
      Numerics numerics = compute.numerics();
      numerics.product(compute.pool(), rows, weights.transposed(), scores, false);
      losses(batch, from, count, factor);
      if (factor != 0) {
        MatrixView back = MatrixView.of(gradient, batch.count(), shape.width()).rows(from, count);
        numerics.product(compute.pool(), scores, weights, back, false);
        if (head.learns()) {
          numerics.product(compute.pool(), scores.transposed(), rows, head.gradients(), true);
        }
      }
    }
    double sum = 0;
    for (int i = 0; i < batch.count(); i++) {
      sum += losses[i];
    }
    return sum;
  }

  private void losses(Batch batch, int first, int rows, double factor) {
    int vocabulary = shape.vocabulary();
    Numerics numerics = compute.numerics();
    compute.rows(
        rows,
        (from, count) -> {
          for (int i = from; i < from + count; i++) {
            int row = first + i;
            double weight = batch.learnt(row) ? factor : 0;
            double loss =
                numerics.crossEntropy(
                    logits, (long) i * vocabulary, vocabulary, batch.target(row), weight);
            losses[row] = batch.learnt(row) ? loss : 0;
          }
        });
  }

  private void backward(Batch batch) {
    int count = batch.count();
    int width = shape.width();
    // "work" takes the gradient by the last layer's result, which the norm adds to.
    work.asSlice(0, (long) count * width * compute.numerics().bytes()).fill((byte) 0);
    norm.backward(last, gradient, work, count);
    for (Layer layer : layers.reversed()) {
      layer.backward(batch, work, gradient);
    }
    if (embedding.learns()) {
      dropout.apply(work, count, width, 0);
      embedBackward(batch);
    }
  }

  /** Columns are shared out, so that the rows of one token are added in their order. */
  private void embedBackward(Batch batch) {
    int width = shape.width();
    Numerics numerics = compute.numerics();
    compute.columns(
        width,
        (from, columns) -> {
          for (int row = 0; row < batch.count(); row++) {
            long target = (long) batch.id(row) * width + from;
            numerics.add(work, (long) row * width + from, embedding.gradient(), target, columns);
          }
        });
  }
}
