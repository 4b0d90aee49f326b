package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import jdk.incubator.vector.FloatVector;

/**
 * Products of two f32 matrices of any strides: {@code C += A B}.
 *
 * <p>A lane is a column of the result: it holds the sum of one element and walks {@code k} in
 * rising order by fused multiply-add, from what stands in the result. So each element depends on
 * its row, its column and {@code k} alone: the same bits for any vector width, any tiling and any
 * number of threads. (This is not the order of {@link Matrix}, whose weights lie along {@code k}.)
 *
 * <p>A stretch of {@code B}, two vectors wide, is copied into a panel that fits the first-level
 * cache; a tile of eight rows and two vectors is kept in registers. Edges are computed as whole
 * tiles, in a corner of their own.
 */
public final class Gemm {
  private static final int ROWS = 8;
  private static final int COLUMNS = 2 * LENGTH;
  private static final int DEPTH = 256;
  private static final long PANEL_ROW = (long) COLUMNS * Float.BYTES;
  private static final long CORNER = (long) ROWS * COLUMNS;
  private static final int LEAST_ROWS = 64;

  /** Changes no address of a process; tells the compiler that none overflows. */
  private static final long MASK = (1L << 56) - 1;

  private Gemm() {}

  /**
   * {@code C = A B}, or {@code C += A B}, shared out to the pool's threads.
   *
   * @param c adjacent columns; must not overlap {@code a} or {@code b}
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static void multiply(
      WorkerPool pool, MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    check(a, b, c);
    int panels = (c.columns() + COLUMNS - 1) / COLUMNS;
    int wanted = Math.max(1, 4 * pool.threads() / Math.max(1, panels));
    int blockRows = Math.max(LEAST_ROWS, roundUp((c.rows() + wanted - 1) / wanted));
    int blocks = (c.rows() + blockRows - 1) / blockRows;
    long from = address(a);
    long with = address(b);
    long to = address(c);
    pool.parallel(
        blocks * panels,
        (chunk, _) -> {
          int row = chunk / panels * blockRows;
          int rows = Math.min(blockRows, c.rows() - row);
          int column = chunk % panels * COLUMNS;
          panel(a, from, b, with, c, to, row, rows, column, accumulate);
        });
  }

  /**
   * As {@link #multiply(WorkerPool, MatrixView, MatrixView, MatrixView, boolean)}, here and now.
   */
  public static void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    check(a, b, c);
    long from = address(a);
    long with = address(b);
    long to = address(c);
    for (int column = 0; column < c.columns(); column += COLUMNS) {
      panel(a, from, b, with, c, to, 0, c.rows(), column, accumulate);
    }
  }

  private static void check(MatrixView a, MatrixView b, MatrixView c) {
    if (a.columns() != b.rows() || a.rows() != c.rows() || b.columns() != c.columns()) {
      throw new IllegalArgumentException(
          String.format(
              "a product of %d x %d and %d x %d is not %d x %d",
              a.rows(), a.columns(), b.rows(), b.columns(), c.rows(), c.columns()));
    }
    if (c.columnStride() != 1 && c.columns() > 1) {
      throw new IllegalArgumentException("the result's columns must be adjacent");
    }
  }

  private static long address(MatrixView view) {
    return NativeMemory.floats(view.data(), view.offset(), view.span());
  }

  private static int roundUp(int rows) {
    return (rows + ROWS - 1) / ROWS * ROWS;
  }

  /** Some rows of the columns of one panel. */
  private static void panel(
      MatrixView a,
      long from,
      MatrixView b,
      long with,
      MatrixView c,
      long to,
      int firstRow,
      int rows,
      int column,
      boolean accumulate) {
    int columns = Math.min(COLUMNS, c.columns() - column);
    long result = to + (firstRow * c.rowStride() + column) * Float.BYTES;
    if (!accumulate) {
      for (int i = 0; i < rows; i++) {
        NativeMemory.zero(result + i * c.rowStride() * Float.BYTES, columns);
      }
    }
    long panel = Scratch.current().panel((long) COLUMNS * DEPTH + CORNER + (long) ROWS * DEPTH);
    for (int p = 0; p < a.columns(); p += DEPTH) {
      int depth = Math.min(DEPTH, a.columns() - p);
      long source = with + (p * b.rowStride() + column * b.columnStride()) * Float.BYTES;
      pack(
          source,
          b.rowStride() * Float.BYTES,
          b.columnStride() * Float.BYTES,
          depth,
          columns,
          panel);
      long left = from + (firstRow * a.rowStride() + p * a.columnStride()) * Float.BYTES;
      rows(
          left,
          a.rowStride() * Float.BYTES,
          a.columnStride() * Float.BYTES,
          rows,
          panel,
          depth,
          result,
          c.rowStride() * Float.BYTES,
          columns);
    }
  }

  /** Copies {@code depth} rows of {@code columns} numbers side by side, the rest zeros. */
  private static void pack(
      long source, long rowBytes, long columnBytes, int depth, int columns, long panel) {
    if (columns < COLUMNS) {
      NativeMemory.zero(panel, (long) depth * COLUMNS);
    } else if (columnBytes == Float.BYTES) {
      for (int p = 0; p < depth; p++) {
        long in = source + p * rowBytes;
        long out = panel + p * PANEL_ROW;
        FloatVector first = FloatVector.fromMemorySegment(F, ALL, in, ORDER);
        FloatVector second = FloatVector.fromMemorySegment(F, ALL, in + PANEL_ROW / 2, ORDER);
        first.intoMemorySegment(ALL, out, ORDER);
        second.intoMemorySegment(ALL, out + PANEL_ROW / 2, ORDER);
      }
      return;
    }
    for (int j = 0; j < columns; j++) {
      long in = source + j * columnBytes;
      long out = panel + (long) j * Float.BYTES;
      for (int p = 0; p < depth; p++) {
        setFloat(out + p * PANEL_ROW, getFloat(in + p * rowBytes));
      }
    }
  }

  private static void rows(
      long a,
      long aRow,
      long aColumn,
      int rows,
      long panel,
      int depth,
      long c,
      long cRow,
      int columns) {
    int i = 0;
    if (columns == COLUMNS) {
      for (; i + ROWS <= rows; i += ROWS) {
        tile(a + i * aRow, aRow, aColumn, panel, depth, c + i * cRow, cRow);
      }
    }
    for (; i < rows; i += ROWS) {
      edge(
          a + i * aRow,
          aRow,
          aColumn,
          Math.min(ROWS, rows - i),
          panel,
          depth,
          c + i * cRow,
          cRow,
          columns);
    }
  }

  /** A tile that the result does not have in full: in the corner behind the panel. */
  private static void edge(
      long a,
      long aRow,
      long aColumn,
      int rows,
      long panel,
      int depth,
      long c,
      long cRow,
      int columns) {
    long corner = panel + (long) COLUMNS * DEPTH * Float.BYTES;
    long left = corner + CORNER * Float.BYTES;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        long at = (long) j * Float.BYTES;
        setFloat(corner + i * PANEL_ROW + at, getFloat(c + i * cRow + at));
      }
    }
    if (rows == ROWS) {
      tile(a, aRow, aColumn, panel, depth, corner, PANEL_ROW);
    } else {
      long leftRow = (long) DEPTH * Float.BYTES;
      for (int i = 0; i < rows; i++) {
        for (int p = 0; p < depth; p++) {
          setFloat(
              left + i * leftRow + (long) p * Float.BYTES, getFloat(a + i * aRow + p * aColumn));
        }
      }
      tile(left, leftRow, Float.BYTES, panel, depth, corner, PANEL_ROW);
    }
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        long at = (long) j * Float.BYTES;
        setFloat(c + i * cRow + at, getFloat(corner + i * PANEL_ROW + at));
      }
    }
  }

  /** Adds the products of eight rows with a panel to a tile of the result. */
  private static void tile(
      long a, long aRow, long aColumn, long panel, int depth, long c, long cRow) {
    long half = PANEL_ROW / 2;
    long c1 = c + cRow;
    long c2 = c1 + cRow;
    long c3 = c2 + cRow;
    long c4 = c3 + cRow;
    long c5 = c4 + cRow;
    long c6 = c5 + cRow;
    long c7 = c6 + cRow;
    FloatVector s0 = FloatVector.fromMemorySegment(F, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(F, ALL, c + half, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(F, ALL, c1, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(F, ALL, c1 + half, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(F, ALL, c2, ORDER);
    FloatVector t2 = FloatVector.fromMemorySegment(F, ALL, c2 + half, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(F, ALL, c3, ORDER);
    FloatVector t3 = FloatVector.fromMemorySegment(F, ALL, c3 + half, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(F, ALL, c4, ORDER);
    FloatVector t4 = FloatVector.fromMemorySegment(F, ALL, c4 + half, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(F, ALL, c5, ORDER);
    FloatVector t5 = FloatVector.fromMemorySegment(F, ALL, c5 + half, ORDER);
    FloatVector s6 = FloatVector.fromMemorySegment(F, ALL, c6, ORDER);
    FloatVector t6 = FloatVector.fromMemorySegment(F, ALL, c6 + half, ORDER);
    FloatVector s7 = FloatVector.fromMemorySegment(F, ALL, c7, ORDER);
    FloatVector t7 = FloatVector.fromMemorySegment(F, ALL, c7 + half, ORDER);
    long aRow3 = 3 * aRow;
    long below = a + 4 * aRow;
    for (int p = 0; p < depth; p++) {
      long row = (panel + p * PANEL_ROW) & MASK;
      FloatVector left = FloatVector.fromMemorySegment(F, ALL, row, ORDER);
      FloatVector right = FloatVector.fromMemorySegment(F, ALL, row + half, ORDER);
      long at = a + p * aColumn;
      FloatVector x = FloatVector.broadcast(F, getFloat(at & MASK));
      s0 = left.fma(x, s0);
      t0 = right.fma(x, t0);
      x = FloatVector.broadcast(F, getFloat((at + aRow) & MASK));
      s1 = left.fma(x, s1);
      t1 = right.fma(x, t1);
      x = FloatVector.broadcast(F, getFloat((at + 2 * aRow) & MASK));
      s2 = left.fma(x, s2);
      t2 = right.fma(x, t2);
      x = FloatVector.broadcast(F, getFloat((at + aRow3) & MASK));
      s3 = left.fma(x, s3);
      t3 = right.fma(x, t3);
      at = below + p * aColumn;
      x = FloatVector.broadcast(F, getFloat(at & MASK));
      s4 = left.fma(x, s4);
      t4 = right.fma(x, t4);
      x = FloatVector.broadcast(F, getFloat((at + aRow) & MASK));
      s5 = left.fma(x, s5);
      t5 = right.fma(x, t5);
      x = FloatVector.broadcast(F, getFloat((at + 2 * aRow) & MASK));
      s6 = left.fma(x, s6);
      t6 = right.fma(x, t6);
      x = FloatVector.broadcast(F, getFloat((at + aRow3) & MASK));
      s7 = left.fma(x, s7);
      t7 = right.fma(x, t7);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + half, ORDER);
    s1.intoMemorySegment(ALL, c1, ORDER);
    t1.intoMemorySegment(ALL, c1 + half, ORDER);
    s2.intoMemorySegment(ALL, c2, ORDER);
    t2.intoMemorySegment(ALL, c2 + half, ORDER);
    s3.intoMemorySegment(ALL, c3, ORDER);
    t3.intoMemorySegment(ALL, c3 + half, ORDER);
    s4.intoMemorySegment(ALL, c4, ORDER);
    t4.intoMemorySegment(ALL, c4 + half, ORDER);
    s5.intoMemorySegment(ALL, c5, ORDER);
    t5.intoMemorySegment(ALL, c5 + half, ORDER);
    s6.intoMemorySegment(ALL, c6, ORDER);
    t6.intoMemorySegment(ALL, c6 + half, ORDER);
    s7.intoMemorySegment(ALL, c7, ORDER);
    t7.intoMemorySegment(ALL, c7 + half, ORDER);
  }
}
