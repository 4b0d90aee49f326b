package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.FLOAT;
import static dev.sluice.model.kernel.NativeMemory.getFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Products of two f32 matrices of any strides: {@code C += A B}.
 *
 * <p>A lane is a column of the result: it holds the sum of one element and walks {@code k} in
 * rising order by fused multiply-add, from what stands in the result. So each element depends on
 * its row, its column and {@code k} alone: the same bits for any vector width, any tiling and any
 * number of threads. (This is not the order of {@link Matrix}, whose weights lie along {@code k}.)
 *
 * <p>A block of {@code A} and a panel of {@code B}, two vectors wide, are copied side by side, for
 * the caches and because the compiler drops the bounds checks of arrays that a loop walks through;
 * a tile of eight rows and two vectors is kept in registers. Edges are computed as whole tiles, in
 * a corner of their own.
 */
public final class Gemm {
  private static final int ROWS = 8;
  private static final int COLUMNS = 2 * LENGTH;
  private static final int DEPTH = 256;
  private static final int BLOCK = 64;

  /** From a row of the block to the next: no power of two, so that rows fall into other sets. */
  private static final int STRIDE = DEPTH + 16;

  private static final long HALF = (long) LENGTH * Float.BYTES;
  private static final long CORNER_ROW = 2 * HALF;

  private Gemm() {}

  /** What a thread copies into. */
  private static final class Buffers {
    private static final ThreadLocal<Buffers> CURRENT = ThreadLocal.withInitial(Buffers::new);

    /** Rows of {@code A}, {@value #STRIDE} apart. */
    private final float[] block = new float[BLOCK * STRIDE];

    /** Rows of {@code B}, {@link #COLUMNS} apart. */
    private final float[] panel = new float[DEPTH * COLUMNS];

    private final float[] run = new float[DEPTH];
  }

  /** A view's address, and its strides in bytes. */
  private record Operand(long address, long row, long column) {
    static Operand of(MatrixView view) {
      return new Operand(
          NativeMemory.floats(view.data(), view.offset(), view.span()),
          view.rowStride() * Float.BYTES,
          view.columnStride() * Float.BYTES);
    }

    long at(int i, int j) {
      return address + i * row + j * column;
    }
  }

  private record Product(Operand a, Operand b, Operand c, int rows, int columns, int depth) {
    static Product of(MatrixView a, MatrixView b, MatrixView c) {
      if (a.columns() != b.rows() || a.rows() != c.rows() || b.columns() != c.columns()) {
        throw new IllegalArgumentException(
            String.format(
                "a product of %d x %d and %d x %d is not %d x %d",
                a.rows(), a.columns(), b.rows(), b.columns(), c.rows(), c.columns()));
      }
      if (c.columnStride() != 1 && c.columns() > 1) {
        throw new IllegalArgumentException("the result's columns must be adjacent");
      }
      return new Product(
          Operand.of(a), Operand.of(b), Operand.of(c), c.rows(), c.columns(), a.columns());
    }
  }

  /**
   * {@code C = A B}, or {@code C += A B}, shared out to the pool's threads.
   *
   * @param c adjacent columns; must not overlap {@code a} or {@code b}
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static void multiply(
      WorkerPool pool, MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    Product product = Product.of(a, b, c);
    int panels = (product.columns + COLUMNS - 1) / COLUMNS;
    int blocks = (product.rows + BLOCK - 1) / BLOCK;
    // Few blocks of rows: columns are shared out too, though each share copies its rows again.
    int shares = Math.clamp(4L * pool.threads() / Math.max(1, blocks), 1, Math.max(1, panels));
    int width = (panels + shares - 1) / shares * COLUMNS;
    pool.parallel(
        blocks * shares,
        (chunk, _) -> {
          int column = chunk % shares * width;
          int columns = Math.min(width, product.columns - column);
          int row = chunk / shares * BLOCK;
          block(product, row, Math.min(BLOCK, product.rows - row), column, columns, accumulate);
        });
  }

  /**
   * As {@link #multiply(WorkerPool, MatrixView, MatrixView, MatrixView, boolean)}, here and now.
   */
  public static void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    Product product = Product.of(a, b, c);
    for (int row = 0; row < product.rows; row += BLOCK) {
      int rows = Math.min(BLOCK, product.rows - row);
      block(product, row, rows, 0, product.columns, accumulate);
    }
  }

  /** Some rows and columns of the result. */
  private static void block(
      Product product, int row, int rows, int column, int columns, boolean accumulate) {
    Operand c = product.c;
    for (int i = 0; i < rows && !accumulate; i++) {
      NativeMemory.zero(c.at(row + i, column), Math.max(0, columns));
    }
    Buffers buffers = Buffers.CURRENT.get();
    for (int p = 0; p < product.depth; p += DEPTH) {
      int depth = Math.min(DEPTH, product.depth - p);
      packRows(product.a, row, rows, p, depth, buffers);
      for (int j = 0; j < columns; j += COLUMNS) {
        int some = Math.min(COLUMNS, columns - j);
        packPanel(product.b, p, depth, column + j, some, buffers);
        for (int i = 0; i < rows; i += ROWS) {
          long result = c.at(row + i, column + j);
          if (rows - i < ROWS || some < COLUMNS) {
            corner(buffers, i, depth, result, c.row, Math.min(ROWS, rows - i), some);
          } else {
            tile(buffers.block, i * STRIDE, buffers.panel, depth, result, c.row);
          }
        }
      }
    }
  }

  private static void packRows(Operand a, int row, int rows, int p, int depth, Buffers buffers) {
    float[] block = buffers.block;
    if (a.column == Float.BYTES) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(ALL, FLOAT, a.at(row + i, p), block, i * STRIDE, depth);
      }
      return;
    }
    float[] run = buffers.run;
    for (int k = 0; k < depth; k++) {
      read(a.at(row, p + k), a.row, rows, run);
      for (int i = 0; i < rows; i++) {
        block[i * STRIDE + k] = run[i];
      }
    }
  }

  private static void packPanel(
      Operand b, int p, int depth, int column, int columns, Buffers buffers) {
    float[] panel = buffers.panel;
    if (b.column == Float.BYTES) {
      for (int k = 0; k < depth; k++) {
        MemorySegment.copy(ALL, FLOAT, b.at(p + k, column), panel, k * COLUMNS, columns);
      }
      return;
    }
    float[] run = buffers.run;
    for (int j = 0; j < columns; j++) {
      read(b.at(p, column + j), b.row, depth, run);
      for (int k = 0; k < depth; k++) {
        panel[k * COLUMNS + j] = run[k];
      }
    }
  }

  private static void read(long from, long stride, int count, float[] run) {
    int i = 0;
    for (int end = stride == Float.BYTES ? F.loopBound(count) : 0; i < end; i += LENGTH) {
      FloatVector.fromMemorySegment(F, ALL, from + i * stride, ORDER).intoArray(run, i);
    }
    for (; i < count; i++) {
      run[i] = getFloat(from + i * stride);
    }
  }

  /** A tile that the result does not have in full. What fills it up is computed, and forgotten. */
  private static void corner(
      Buffers buffers, int row, int depth, long c, long cRow, int rows, int columns) {
    long corner = Scratch.current().panel((long) ROWS * COLUMNS);
    for (int i = 0; i < rows; i++) {
      MemorySegment.copy(ALL, c + i * cRow, ALL, corner + i * CORNER_ROW, 4L * columns);
    }
    tile(buffers.block, row * STRIDE, buffers.panel, depth, corner, CORNER_ROW);
    for (int i = 0; i < rows; i++) {
      MemorySegment.copy(ALL, corner + i * CORNER_ROW, ALL, c + i * cRow, 4L * columns);
    }
  }

  /** Adds the products of eight rows with a panel to a tile of the result. */
  private static void tile(float[] block, int at, float[] panel, int depth, long c, long cRow) {
    long c1 = c + cRow;
    long c2 = c1 + cRow;
    long c3 = c2 + cRow;
    long c4 = c3 + cRow;
    long c5 = c4 + cRow;
    long c6 = c5 + cRow;
    long c7 = c6 + cRow;
    FloatVector s0 = FloatVector.fromMemorySegment(F, ALL, c, ORDER);
    FloatVector t0 = FloatVector.fromMemorySegment(F, ALL, c + HALF, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(F, ALL, c1, ORDER);
    FloatVector t1 = FloatVector.fromMemorySegment(F, ALL, c1 + HALF, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(F, ALL, c2, ORDER);
    FloatVector t2 = FloatVector.fromMemorySegment(F, ALL, c2 + HALF, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(F, ALL, c3, ORDER);
    FloatVector t3 = FloatVector.fromMemorySegment(F, ALL, c3 + HALF, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(F, ALL, c4, ORDER);
    FloatVector t4 = FloatVector.fromMemorySegment(F, ALL, c4 + HALF, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(F, ALL, c5, ORDER);
    FloatVector t5 = FloatVector.fromMemorySegment(F, ALL, c5 + HALF, ORDER);
    FloatVector s6 = FloatVector.fromMemorySegment(F, ALL, c6, ORDER);
    FloatVector t6 = FloatVector.fromMemorySegment(F, ALL, c6 + HALF, ORDER);
    FloatVector s7 = FloatVector.fromMemorySegment(F, ALL, c7, ORDER);
    FloatVector t7 = FloatVector.fromMemorySegment(F, ALL, c7 + HALF, ORDER);
    for (int p = 0; p < depth; p++) {
      FloatVector left = FloatVector.fromArray(F, panel, p * COLUMNS);
      FloatVector right = FloatVector.fromArray(F, panel, p * COLUMNS + LENGTH);
      FloatVector x = FloatVector.broadcast(F, block[at + p]);
      s0 = left.fma(x, s0);
      t0 = right.fma(x, t0);
      x = FloatVector.broadcast(F, block[at + STRIDE + p]);
      s1 = left.fma(x, s1);
      t1 = right.fma(x, t1);
      x = FloatVector.broadcast(F, block[at + 2 * STRIDE + p]);
      s2 = left.fma(x, s2);
      t2 = right.fma(x, t2);
      x = FloatVector.broadcast(F, block[at + 3 * STRIDE + p]);
      s3 = left.fma(x, s3);
      t3 = right.fma(x, t3);
      x = FloatVector.broadcast(F, block[at + 4 * STRIDE + p]);
      s4 = left.fma(x, s4);
      t4 = right.fma(x, t4);
      x = FloatVector.broadcast(F, block[at + 5 * STRIDE + p]);
      s5 = left.fma(x, s5);
      t5 = right.fma(x, t5);
      x = FloatVector.broadcast(F, block[at + 6 * STRIDE + p]);
      s6 = left.fma(x, s6);
      t6 = right.fma(x, t6);
      x = FloatVector.broadcast(F, block[at + 7 * STRIDE + p]);
      s7 = left.fma(x, s7);
      t7 = right.fma(x, t7);
    }
    s0.intoMemorySegment(ALL, c, ORDER);
    t0.intoMemorySegment(ALL, c + HALF, ORDER);
    s1.intoMemorySegment(ALL, c1, ORDER);
    t1.intoMemorySegment(ALL, c1 + HALF, ORDER);
    s2.intoMemorySegment(ALL, c2, ORDER);
    t2.intoMemorySegment(ALL, c2 + HALF, ORDER);
    s3.intoMemorySegment(ALL, c3, ORDER);
    t3.intoMemorySegment(ALL, c3 + HALF, ORDER);
    s4.intoMemorySegment(ALL, c4, ORDER);
    t4.intoMemorySegment(ALL, c4 + HALF, ORDER);
    s5.intoMemorySegment(ALL, c5, ORDER);
    t5.intoMemorySegment(ALL, c5 + HALF, ORDER);
    s6.intoMemorySegment(ALL, c6, ORDER);
    t6.intoMemorySegment(ALL, c6 + HALF, ORDER);
    s7.intoMemorySegment(ALL, c7, ORDER);
    t7.intoMemorySegment(ALL, c7 + HALF, ORDER);
  }
}
