package dev.sluice.model.arch;

import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.Weights;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** From rows to logits: the last norm, the output matrix (the embedding's where tied), the cap. */
record Head(
    Norm norm, Weights output, @Nullable MemorySegment bias, float softCap, int embeddingLength) {

  static Head load(TensorLoader tensors, ModelSpec spec) {
    String weight = TensorNames.weight(TensorNames.OUTPUT);
    Matrix matrix =
        tensors.matrix(
            tensors.has(weight) ? weight : TensorNames.TOKEN_EMBEDDING,
            spec.vocabularySize(),
            spec.embeddingLength());
    return new Head(
        Norm.load(tensors, TensorNames.OUTPUT_NORM, spec),
        tensors.weights(List.of(matrix)).getFirst(),
        tensors.findSegment(TensorNames.bias(TensorNames.OUTPUT), spec.vocabularySize()),
        spec.finalSoftCap(),
        spec.embeddingLength());
  }

  /**
   * Logits of {@code count} rows of {@code x}, which {@code wanted} names.
   *
   * @param work room for {@code count} rows, from its start
   * @param logits the result, {@code [count x vocabularySize]} from {@code offset} floats on
   */
  void logits(
      WorkerPool pool,
      MemorySegment x,
      int[] wanted,
      int count,
      MemorySegment work,
      MemorySegment logits,
      long offset) {
    int vocabulary = (int) output.rows();
    for (int i = 0; i < count; i++) {
      norm.apply(x, (long) wanted[i] * embeddingLength, work, (long) i * embeddingLength);
    }
    output.multiply(pool, work, 0, embeddingLength, count, logits, offset, vocabulary);
    for (int i = 0; i < count; i++) {
      long at = offset + (long) i * vocabulary;
      if (bias != null) {
        Elementwise.add(bias, 0, logits, at, vocabulary);
      }
      if (softCap > 0) {
        Elementwise.softCap(logits, at, vocabulary, softCap);
      }
    }
  }
}
