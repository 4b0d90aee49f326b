package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A matrix of weights in one of GGML's types: {@code rows x columns}, rows one after another, in
 * native memory that it does not own (the mapped file's, as a rule).
 *
 * <p>Immutable; for any number of threads at once, as long as the memory lives.
 */
public final class Matrix {
  private final GgmlType type;
  private final long rows;
  private final int columns;
  private final MemorySegment data;
  private final long rowBytes;

  private Matrix(GgmlType type, long rows, int columns, MemorySegment data) {
    this.type = type;
    this.rows = rows;
    this.columns = columns;
    this.data = data;
    this.rowBytes = type.bytesFor(columns);
  }

  /** A tensor of a model file: a row is what is contiguous, all other dimensions count as rows. */
  public static Matrix of(GgufTensor tensor) {
    return of(tensor.type(), tensor.rows(), Math.toIntExact(tensor.columns()), tensor.data());
  }

  /**
   * A matrix over memory.
   *
   * @param columns a multiple of the type's block size
   * @param data at least {@code type.bytesFor(rows * columns)} bytes, off-heap
   * @throws IllegalArgumentException if the shape is impossible or {@code data} too short or on the
   *     heap
   */
  public static Matrix of(GgmlType type, long rows, int columns, MemorySegment data) {
    if (rows < 1 || columns < 1 || columns % type.blockSize() != 0) {
      throw new IllegalArgumentException("a " + type + " matrix of " + rows + " x " + columns);
    }
    long bytes = Math.multiplyExact(type.bytesFor(columns), rows);
    if (!data.isNative() || data.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "a "
              + type
              + " matrix of "
              + rows
              + " x "
              + columns
              + " takes "
              + bytes
              + " bytes off-heap, not "
              + data);
    }
    return new Matrix(type, rows, columns, data.asSlice(0, bytes));
  }

  /** Some rows of a matrix: a part of a fused tensor. */
  public static Matrix slice(Matrix matrix, long firstRow, long rows) {
    Objects.checkFromIndexSize(firstRow, rows, matrix.rows);
    long bytes = matrix.rowBytes;
    return of(
        matrix.type, rows, matrix.columns, matrix.data.asSlice(firstRow * bytes, rows * bytes));
  }

  public GgmlType type() {
    return type;
  }

  public long rows() {
    return rows;
  }

  public int columns() {
    return columns;
  }

  /** Bytes of the weights. */
  public long bytes() {
    return rows * rowBytes;
  }

  /**
   * {@code y[t][r] = sum over k of W[r][k] * x[t][k]} for each token {@code t} and row {@code r},
   * in the package's order of sums.
   *
   * @param pool shares out the rows
   * @param x the inputs; token {@code t} has {@code columns} floats from {@code xOffset + t *
   *     xStride} on
   * @param tokens how many; 0 does nothing
   * @param y the results, not overlapping {@code x}; token {@code t} has {@code rows} floats from
   *     {@code yOffset + t * yStride} on
   */
  public void multiply(
      WorkerPool pool,
      MemorySegment x,
      long xOffset,
      long xStride,
      int tokens,
      MemorySegment y,
      long yOffset,
      long yStride) {
    if (tokens < 0 || xStride < 0 || yStride < 0) {
      throw new IllegalArgumentException(
          tokens + " tokens, strides " + xStride + " and " + yStride);
    }
    if (tokens == 0) {
      return;
    }
    long inputs = NativeMemory.floats(x, xOffset, span(tokens, xStride, columns));
    long outputs = NativeMemory.floats(y, yOffset, span(tokens, yStride, rows));
    MatrixTask task = Scratch.current().matrixTask();
    task.weights(type, rows, columns, NativeMemory.bytes(data, 0, bytes()), rowBytes);
    task.vectors(inputs, xStride, tokens, outputs, yStride);
    task.run(pool);
  }

  private static long span(int vectors, long stride, long length) {
    return Math.addExact(Math.multiplyExact(vectors - 1L, stride), length);
  }

  /** Writes the dequantized row {@code r} (an embedding). */
  public void row(long r, MemorySegment target, long offset) {
    Objects.checkIndex(r, rows);
    long from = NativeMemory.bytes(data, r * rowBytes, rowBytes);
    Dequantize.run(type, from, NativeMemory.floats(target, offset, columns), columns);
  }
}
