package dev.sluice.model.arch;

import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.Weights;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A linear part: one matrix, or several that share their input and whose results stand side by side
 * (query, key and value; gate and up), so that a fused tensor and separate ones look alike. What
 * adapters add is computed beside, and added with the bias.
 */
final class Projection {
  private final Weights[] parts;
  private final @Nullable MemorySegment bias;
  private final @Nullable Adaptation adaptation;
  private final int outputLength;

  private Projection(
      Weights[] parts,
      @Nullable MemorySegment bias,
      @Nullable Adaptation adaptation,
      int outputLength) {
    this.parts = parts;
    this.bias = bias;
    this.adaptation = adaptation;
    this.outputLength = outputLength;
  }

  /** Elements of a result row. */
  int outputLength() {
    return outputLength;
  }

  /**
   * {@code y[r] = W x[r]} for all rows at once, without what {@link #finish} adds.
   *
   * @param xStride floats from one row of {@code x} to the next
   */
  void multiply(WorkerPool pool, MemorySegment x, long xStride, int rows, MemorySegment y) {
    long offset = 0;
    for (Weights part : parts) {
      part.multiply(pool, x, 0, xStride, rows, y, offset, outputLength);
      offset += part.rows();
    }
    if (adaptation != null) {
      adaptation.multiply(pool, x, xStride, rows);
    }
    assert offset == outputLength : "parts of " + offset + " rows, expected " + outputLength;
  }

  /**
   * Adds the bias and what adapters add, where there are any, to one row of results.
   *
   * @param row which row of the last {@link #multiply}
   * @param offset where in {@code y} it lies
   */
  void finish(int row, MemorySegment y, long offset) {
    if (bias != null) {
      Elementwise.add(bias, 0, y, offset, outputLength);
    }
    if (adaptation != null) {
      adaptation.add(row, y, offset);
    }
  }

  /** Gathers the parts of a projection. */
  static final class Loader {
    private final TensorLoader tensors;
    private final int inputLength;
    private final boolean biasRequired;
    private final List<Matrix> parts = new ArrayList<>();
    private final List<float[]> biases = new ArrayList<>();
    private final Adaptation.Loader adaptation;
    private boolean biased;
    private int outputLength;

    Loader(TensorLoader tensors, int inputLength, boolean biasRequired) {
      this.tensors = tensors;
      this.inputLength = inputLength;
      this.biasRequired = biasRequired;
      adaptation = new Adaptation.Loader(tensors);
    }

    /** Adds a tensor of {@code rows} rows, with its bias where the file has one. */
    Loader part(String name, int rows) {
      parts.add(tensors.matrix(TensorNames.weight(name), rows, inputLength));
      adaptation.part(TensorNames.weight(name), outputLength);
      String bias = TensorNames.bias(name);
      boolean present = biasRequired || tensors.has(bias);
      biases.add(present ? tensors.vector(bias, rows) : new float[rows]);
      biased |= present;
      outputLength += rows;
      return this;
    }

    Projection load() {
      float[] bias = new float[outputLength];
      int at = 0;
      for (float[] values : biases) {
        System.arraycopy(values, 0, bias, at, values.length);
        at += values.length;
      }
      return new Projection(
          tensors.weights(parts).toArray(Weights[]::new),
          biased ? tensors.segment(bias) : null,
          adaptation.load(outputLength),
          outputLength);
    }
  }
}
