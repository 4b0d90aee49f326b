package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * Quantized weights in the order in which the kernels want them, multiplied with activations that
 * are quantized too: each block of 32 of a row to 12 bits, {@code x = scale * q} with {@code scale
 * = max |x| / 2047}. (Eight bits would change the most likely token now and then.) A result is,
 * over the blocks in rising order from zero,
 *
 * <pre>sum = fma((float) (sum over the block of w * q), weightScale * activationScale, sum)</pre>
 *
 * where the inner sum is one of integers, exact in any order. So the bits depend on the shape and
 * the values alone, as everywhere in this package.
 *
 * <p>16 rows make a panel: lane {@code r} of a vector is row {@code r}. The last panel is filled up
 * with zeros.
 *
 * <p>Immutable; for any number of threads at once, as long as its arena lives.
 */
public final class PackedMatrix implements Weights {
  /** Rows of a panel. */
  static final int PANEL_ROWS = 16;

  private static final int ALIGNMENT = 64;

  private final PackedFormat format;
  private final long rows;
  private final int columns;
  private final MemorySegment data;

  private PackedMatrix(PackedFormat format, long rows, int columns, MemorySegment data) {
    this.format = format;
    this.rows = rows;
    this.columns = columns;
    this.data = data;
  }

  /** Whether weights of a type can be packed: Q8_0 and Q4_0. */
  public static boolean supports(GgmlType type) {
    return PackedFormat.of(type) != null;
  }

  /**
   * Packs matrices of one type and width, the rows of one behind those of the other. Where these
   * are mapped from a file, their pages are let go of.
   *
   * @param arena owns the packed weights
   * @param pool shares out the work
   * @throws IllegalArgumentException for a type that is not supported, or matrices that differ
   */
  public static PackedMatrix pack(Arena arena, WorkerPool pool, List<Matrix> matrices) {
    Matrix first = matrices.getFirst();
    PackedFormat format = PackedFormat.of(first.type());
    if (format == null) {
      throw new IllegalArgumentException(first.type() + " weights cannot be packed");
    }
    long rows = 0;
    for (Matrix matrix : matrices) {
      if (matrix.type() != first.type() || matrix.columns() != first.columns()) {
        throw new IllegalArgumentException("matrices that differ in type or width");
      }
      rows += matrix.rows();
    }
    int blocks = first.columns() / PackedFormat.COLUMNS;
    long panelBytes = (long) blocks * format.blockBytes();
    long panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
    MemorySegment data = arena.allocate(Math.multiplyExact(panels, panelBytes), ALIGNMENT);
    long target = data.address();
    long at = 0;
    for (Matrix matrix : matrices) {
      long before = at;
      long source = matrix.address();
      long rowBytes = matrix.bytes() / matrix.rows();
      int chunks = Math.toIntExact((matrix.rows() + PANEL_ROWS - 1) / PANEL_ROWS);
      pool.parallel(
          chunks,
          (chunk, _) -> {
            long end = Math.min(matrix.rows(), (chunk + 1L) * PANEL_ROWS);
            for (long row = (long) chunk * PANEL_ROWS; row < end; row++) {
              long to = before + row;
              long panel = target + to / PANEL_ROWS * panelBytes;
              format.pack(source + row * rowBytes, blocks, panel, (int) (to % PANEL_ROWS));
            }
          });
      at += matrix.rows();
      matrix.letGo();
    }
    return new PackedMatrix(format, rows, first.columns(), data);
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public PackedMatrix slice(long first, long count) {
    Objects.checkFromIndexSize(first, count, rows);
    if (first % PANEL_ROWS != 0) {
      throw new IllegalArgumentException("a slice from within a panel: " + first);
    }
    long panelBytes = (long) columns / PackedFormat.COLUMNS * format.blockBytes();
    long panels = (count + PANEL_ROWS - 1) / PANEL_ROWS;
    long from = first / PANEL_ROWS * panelBytes;
    return new PackedMatrix(format, count, columns, data.asSlice(from, panels * panelBytes));
  }

  PackedFormat format() {
    return format;
  }

  /** The address of the first panel. */
  long address() {
    return NativeMemory.bytes(data, 0, data.byteSize());
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
    long inputs = NativeMemory.floats(x, xOffset, Matrix.span(tokens, xStride, columns));
    long outputs = NativeMemory.floats(y, yOffset, Matrix.span(tokens, yStride, rows));
    PackedTask task = Scratch.current().packedTask();
    task.run(pool, format, address(), rows, columns, inputs, xStride, tokens, outputs, yStride);
  }
}
