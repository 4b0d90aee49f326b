package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A tensor of weights, and its gradient where it learns. A vector is a matrix of one row.
 *
 * @param name as in GGUF files
 * @param rows number of rows
 * @param columns length of a row
 * @param value the weights, rows one after another
 * @param gradient of the loss, as long as the weights; empty where the tensor is frozen
 */
record Parameter(String name, int rows, int columns, MemorySegment value, MemorySegment gradient) {

  static Parameter of(
      Numerics numerics, Arena arena, String name, int rows, int columns, boolean learns) {
    long size = (long) rows * columns;
    MemorySegment value = numerics.allocate(arena, size);
    MemorySegment gradient = learns ? numerics.allocate(arena, size) : MemorySegment.NULL;
    return new Parameter(name, rows, columns, value, gradient);
  }

  long size() {
    return (long) rows * columns;
  }

  boolean learns() {
    return gradient.byteSize() > 0;
  }

  /** Vectors are norms' weights, which are not drawn towards zero. */
  boolean decays() {
    return rows > 1;
  }

  MatrixView values() {
    return MatrixView.of(value, rows, columns);
  }

  MatrixView gradients() {
    return MatrixView.of(gradient, rows, columns);
  }
}
