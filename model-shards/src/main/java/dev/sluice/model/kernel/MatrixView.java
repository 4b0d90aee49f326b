package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/**
 * A matrix of numbers somewhere in memory, with any strides: element {@code (i, j)} lies at {@code
 * offset + i * rowStride + j * columnStride}. All are counted in elements, whose size the user of
 * the view knows.
 *
 * @param data off-heap memory
 * @param offset where element (0, 0) lies
 * @param rows number of rows
 * @param columns number of columns
 * @param rowStride from a row to the next, not negative
 * @param columnStride from a column to the next, not negative
 */
public record MatrixView(
    MemorySegment data, long offset, int rows, int columns, long rowStride, long columnStride) {
  /**
   * Checks the numbers, not the memory.
   *
   * @throws IllegalArgumentException if one is negative
   */
  public MatrixView {
    if (offset < 0 || rows < 0 || columns < 0 || rowStride < 0 || columnStride < 0) {
      throw new IllegalArgumentException(
          rows
              + " x "
              + columns
              + " at "
              + offset
              + ", strides "
              + rowStride
              + ", "
              + columnStride);
    }
  }

  /** Rows one after another. */
  public static MatrixView of(MemorySegment data, int rows, int columns) {
    return new MatrixView(data, 0, rows, columns, columns, 1);
  }

  /** Rows become columns. */
  public MatrixView transposed() {
    return new MatrixView(data, offset, columns, rows, columnStride, rowStride);
  }

  /** A part of it. */
  public MatrixView part(int firstRow, int someRows, int firstColumn, int someColumns) {
    if (firstRow < 0 || firstRow > rows - someRows) {
      throw new IndexOutOfBoundsException(firstRow + " + " + someRows + " of " + rows + " rows");
    }
    if (firstColumn < 0 || firstColumn > columns - someColumns) {
      throw new IndexOutOfBoundsException(
          firstColumn + " + " + someColumns + " of " + columns + " columns");
    }
    return new MatrixView(
        data,
        offset + firstRow * rowStride + firstColumn * columnStride,
        someRows,
        someColumns,
        rowStride,
        columnStride);
  }

  /** Some of its rows. */
  public MatrixView rows(int first, int count) {
    return part(first, count, 0, columns);
  }

  /** Some of its columns. */
  public MatrixView columns(int first, int count) {
    return part(0, rows, first, count);
  }

  /** Elements from its first to its last, both included. */
  long span() {
    if (rows == 0 || columns == 0) {
      return 0;
    }
    return Math.addExact(
        Math.addExact(
            Math.multiplyExact(rows - 1L, rowStride),
            Math.multiplyExact(columns - 1L, columnStride)),
        1);
  }
}
