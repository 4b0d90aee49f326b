package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * A matrix of weights in one of GGML's types: {@code rows x columns}, rows one after another, in
 * native memory that it does not own (the mapped file's, as a rule).
 *
 * <p>Immutable; for any number of threads at once, as long as the memory lives.
 */
public final class Matrix implements Weights {
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

  @Override
  public Matrix slice(long firstRow, long count) {
    Objects.checkFromIndexSize(firstRow, count, rows);
    return of(type, count, columns, data.asSlice(firstRow * rowBytes, count * rowBytes));
  }

  /**
   * The matrix as the kernels want it: packed where its type can be, else itself.
   *
   * @param arena owns what is packed
   * @param pool shares out the packing
   */
  public Weights prepared(Arena arena, WorkerPool pool) {
    return PackedMatrix.supports(type) ? PackedMatrix.pack(arena, pool, List.of(this)) : this;
  }

  public GgmlType type() {
    return type;
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  /**
   * The address of the first weight, all of them being there.
   *
   * @throws IllegalStateException when the memory was closed
   */
  long address() {
    return NativeMemory.bytes(data, 0, bytes());
  }

  /** Gives the memory of mapped weights back; they are read from the file again when used again. */
  void letGo() {
    if (data.isMapped()) {
      data.unload();
    }
  }

  /** Bytes of the weights. */
  public long bytes() {
    return rows * rowBytes;
  }

  @Override
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
    task.weights(type, rows, columns, address(), rowBytes);
    task.vectors(inputs, xStride, tokens, outputs, yStride);
    task.run(pool);
  }

  /** Floats from the first of the first vector to the last of the last. */
  static long span(int vectors, long stride, long length) {
    return Math.addExact(Math.multiplyExact(vectors - 1L, stride), length);
  }

  /** Writes the dequantized row {@code r} (an embedding). */
  public void row(long r, MemorySegment target, long offset) {
    Objects.checkIndex(r, rows);
    long from = NativeMemory.bytes(data, r * rowBytes, rowBytes);
    Dequantize.run(type, from, NativeMemory.floats(target, offset, columns), columns);
  }
}
