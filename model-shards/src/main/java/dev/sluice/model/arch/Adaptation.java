package dev.sluice.model.arch;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.lora.LowRank;
import dev.sluice.model.lora.ScaledAdapter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What low-rank adapters (Hu et al., 2021) add to a projection: {@code y += B (A x)} for those of
 * its parts that are adapted. Factors and scales are multiplied into {@code B}, and adapters of the
 * same matrix stand side by side as one of the sum of their ranks.
 *
 * <p>It computes with the same products as the weights, so that a row's result hangs on nothing but
 * the row.
 */
final class Adaptation {
  /** An adapted part, whose results start at {@code offset} of a row. */
  private record Part(Matrix a, Matrix b, int offset) {}

  private final Part[] parts;
  private final int outputLength;
  private final AdapterWork work;

  private Adaptation(Part[] parts, int outputLength, AdapterWork work) {
    this.parts = parts;
    this.outputLength = outputLength;
    this.work = work;
  }

  /** {@code B (A x[r])} for all rows at once, kept until {@link #add}. */
  void multiply(WorkerPool pool, MemorySegment x, long xStride, int rows) {
    for (Part part : parts) {
      int rank = part.b().columns();
      part.a().multiply(pool, x, 0, xStride, rows, work.low(), 0, rank);
      part.b().multiply(pool, work.low(), 0, rank, rows, work.delta(), part.offset(), outputLength);
    }
  }

  /** Adds row {@code row} of the last product to a row of the projection's results. */
  void add(int row, MemorySegment y, long offset) {
    for (Part part : parts) {
      long from = (long) row * outputLength + part.offset();
      Elementwise.add(work.delta(), from, y, offset + part.offset(), (int) part.b().rows());
    }
  }

  /** Gathers the adapted parts of a projection. */
  static final class Loader {
    private final TensorLoader tensors;
    private final List<Part> parts = new ArrayList<>();

    Loader(TensorLoader tensors) {
      this.tensors = tensors;
    }

    /** Takes over what adapters add to the matrix {@code name}, if anything. */
    void part(String name, int offset) {
      List<LowRank> pairs = new ArrayList<>();
      List<Float> scales = new ArrayList<>();
      for (ScaledAdapter scaled : tensors.adapters()) {
        LowRank pair = scaled.adapter().find(name).orElse(null);
        if (pair != null && scaled.scale() != 0) {
          pairs.add(pair);
          scales.add(scaled.scale() * scaled.adapter().factor(pair));
        }
      }
      if (!pairs.isEmpty()) {
        parts.add(join(pairs, scales, offset));
      }
    }

    private Part join(List<LowRank> pairs, List<Float> scales, int offset) {
      int inputs = pairs.getFirst().inputs();
      int outputs = pairs.getFirst().outputs();
      int rank = pairs.stream().mapToInt(LowRank::rank).sum();
      float[] a = new float[Math.multiplyExact(rank, inputs)];
      float[] b = new float[Math.multiplyExact(rank, outputs)];
      int first = 0;
      for (int i = 0; i < pairs.size(); i++) {
        LowRank pair = pairs.get(i);
        System.arraycopy(pair.a(), 0, a, first * inputs, pair.a().length);
        for (int row = 0; row < outputs; row++) {
          for (int k = 0; k < pair.rank(); k++) {
            b[row * rank + first + k] = scales.get(i) * pair.b()[row * pair.rank() + k];
          }
        }
        first += pair.rank();
      }
      return new Part(
          Matrix.of(GgmlType.F32, rank, inputs, tensors.segment(a)),
          Matrix.of(GgmlType.F32, outputs, rank, tensors.segment(b)),
          offset);
    }

    /** The adaptation of a projection with rows of that length; null where nothing is adapted. */
    @Nullable Adaptation load(int outputLength) {
      if (parts.isEmpty()) {
        return null;
      }
      int rank = parts.stream().mapToInt(part -> part.b().columns()).max().orElseThrow();
      tensors.adapterWork().need(rank, outputLength);
      return new Adaptation(parts.toArray(Part[]::new), outputLength, tensors.adapterWork());
    }
  }
}
