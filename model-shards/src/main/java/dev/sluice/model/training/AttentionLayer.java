package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import java.lang.foreign.MemorySegment;

/**
 * Causal grouped-query attention (Ainslie et al., 2023) within each piece of a batch. Has no
 * weights and keeps nothing: the backward pass computes the attention weights anew, {@value #ROWS}
 * queries at a time, so that memory does not grow with the square of a sequence.
 */
final class AttentionLayer {
  private static final int ROWS = 64;

  private final Compute compute;
  private final int heads;
  private final int kvHeads;
  private final int headLength;
  private final int longest;
  private final double scale;
  private final MemorySegment weights;
  private final MemorySegment weightGradients;

  AttentionLayer(Compute compute, ModelShape shape, int longest) {
    this.compute = compute;
    heads = shape.heads();
    kvHeads = shape.kvHeads();
    headLength = shape.headLength();
    this.longest = longest;
    scale = 1 / Math.sqrt(headLength);
    long scratch = (long) compute.pool().threads() * ROWS * longest;
    weights = compute.allocate(scratch);
    weightGradients = compute.allocate(scratch);
  }

  /** Memory of one layer's rows: queries, keys and values, and what attention makes of them. */
  record Rows(MemorySegment q, MemorySegment k, MemorySegment v, MemorySegment output) {}

  /** {@code output = softmax(q kᵀ / sqrt(length)) v}. */
  void forward(Batch batch, Rows rows) {
    compute
        .pool()
        .parallel(
            batch.pieces() * heads,
            (chunk, worker) -> {
              int piece = chunk / heads;
              int head = chunk % heads;
              int start = batch.start(piece);
              int length = batch.length(piece);
              MatrixView k = kvHead(rows.k, head, start, length);
              MatrixView v = kvHead(rows.v, head, start, length);
              for (int from = 0; from < length; from += ROWS) {
                int count = Math.min(ROWS, length - from);
                int seen = from + count;
                MatrixView q = head(rows.q, head, start + from, count);
                MatrixView p = scratch(weights, worker, count, seen);
                weights(q, k.rows(0, seen), p, from);
                MatrixView output = head(rows.output, head, start + from, count);
                compute.numerics().product(p, v.rows(0, seen), output, false);
              }
            });
  }

  /** From the gradient of the output to those of queries, keys and values. */
  void backward(Batch batch, Rows rows, Rows gradients) {
    compute
        .pool()
        .parallel(
            batch.pieces() * kvHeads,
            (chunk, worker) -> {
              int piece = chunk / kvHeads;
              int group = heads / kvHeads;
              int first = chunk % kvHeads * group;
              boolean fresh = true;
              for (int head = first; head < first + group; head++) {
                int length = batch.length(piece);
                // The last rows see all keys: they come first, and overwrite.
                for (int from = (length - 1) / ROWS * ROWS; from >= 0; from -= ROWS) {
                  int count = Math.min(ROWS, length - from);
                  block(batch.start(piece), from, count, head, worker, rows, gradients, !fresh);
                  fresh = false;
                }
              }
            });
  }

  private void block(
      int start,
      int from,
      int count,
      int head,
      int worker,
      Rows rows,
      Rows gradients,
      boolean accumulate) {
    Numerics numerics = compute.numerics();
    int seen = from + count;
    MatrixView q = head(rows.q, head, start + from, count);
    MatrixView k = kvHead(rows.k, head, start, seen);
    MatrixView v = kvHead(rows.v, head, start, seen);
    MatrixView given = head(gradients.output, head, start + from, count);
    MatrixView p = scratch(weights, worker, count, seen);
    MatrixView dp = scratch(weightGradients, worker, count, seen);
    weights(q, k, p, from);
    numerics.product(given, v.transposed(), dp, false);
    numerics.product(p.transposed(), given, kvHead(gradients.v, head, start, seen), accumulate);
    for (int i = 0; i < count; i++) {
      long row = (long) i * seen;
      numerics.softmaxBackward(
          p.data(), p.offset() + row, dp.data(), dp.offset() + row, seen, scale);
    }
    numerics.product(dp, k, head(gradients.q, head, start + from, count), false);
    numerics.product(dp.transposed(), q, kvHead(gradients.k, head, start, seen), accumulate);
  }

  /** The attention weights of some queries, the first of which sees {@code from + 1} keys. */
  private void weights(MatrixView q, MatrixView k, MatrixView p, int from) {
    Numerics numerics = compute.numerics();
    numerics.product(q, k.transposed(), p, false);
    for (int i = 0; i < p.rows(); i++) {
      long row = p.offset() + i * p.rowStride();
      int visible = from + i + 1;
      numerics.softmax(p.data(), row, visible, scale);
      for (int j = visible; j < p.columns(); j++) {
        numerics.set(p.data(), row + j, 0);
      }
    }
  }

  private MatrixView head(MemorySegment rows, int head, int first, int count) {
    long stride = (long) heads * headLength;
    return new MatrixView(
        rows, first * stride + (long) head * headLength, count, headLength, stride, 1);
  }

  private MatrixView kvHead(MemorySegment rows, int head, int first, int count) {
    long stride = (long) kvHeads * headLength;
    long at = first * stride + (long) head / (heads / kvHeads) * headLength;
    return new MatrixView(rows, at, count, headLength, stride, 1);
  }

  private MatrixView scratch(MemorySegment memory, int worker, int rows, int columns) {
    return new MatrixView(memory, (long) worker * ROWS * longest, rows, columns, columns, 1);
  }
}
