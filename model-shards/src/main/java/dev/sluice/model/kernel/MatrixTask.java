package dev.sluice.model.kernel;

import dev.sluice.model.gguf.GgmlType;

/**
 * A matrix product in progress: what the workers need to know, and how one of them computes a chunk
 * of rows. One per calling thread, used again for each product.
 *
 * <p>Four rows at a time, and of these a stretch of columns, are dequantized into a panel that fits
 * the first-level cache, and multiplied there with each token. F32 weights are read where they are.
 */
final class MatrixTask implements WorkerPool.ChunkTask {
  /**
   * Columns of a panel: with four rows of weights and four of inputs half of a 32 to 64 KiB cache.
   */
  private static final int STRETCH = 1024;

  /** Bytes between rows of a panel, so that they do not all fall into the same cache sets. */
  private static final long PANEL_STRIDE = STRETCH * Float.BYTES + 192L;

  /** Weights of a chunk at least: some microseconds, so that sharing out costs little. */
  private static final int CHUNK_WEIGHTS = 1 << 16;

  /** Floats of the inputs that are used again for each four rows: half of a second-level cache. */
  private static final int BLOCK_FLOATS = 1 << 18;

  private static final int MIN_BLOCK_TOKENS = 16;

  private GgmlType type = GgmlType.F32;
  private long rows;
  private int columns;
  private long weights;
  private long rowBytes;
  private long x;
  private long xStride;
  private int tokens;
  private long y;
  private long yStride;
  private int chunkRows;

  /** Sets the weights; addresses are checked by the caller. */
  void weights(GgmlType newType, long newRows, int newColumns, long address, long bytesOfRow) {
    type = newType;
    rows = newRows;
    columns = newColumns;
    weights = address;
    rowBytes = bytesOfRow;
  }

  /** Sets inputs and outputs; strides are in floats. */
  void vectors(long inputs, long inputStride, int count, long outputs, long outputStride) {
    x = inputs;
    xStride = inputStride << 2;
    tokens = count;
    y = outputs;
    yStride = outputStride << 2;
  }

  void run(WorkerPool pool) {
    long wanted = Math.max(CHUNK_WEIGHTS / columns, rows / (1 << 20));
    chunkRows = (int) Math.max(Tiles.ROWS, (wanted + Tiles.ROWS - 1) & -Tiles.ROWS);
    pool.parallel(Math.toIntExact((rows + chunkRows - 1) / chunkRows), this);
  }

  @Override
  public void run(int chunk, int worker) {
    long first = (long) chunk * chunkRows;
    long end = Math.min(rows, first + chunkRows);
    int block = Math.max(MIN_BLOCK_TOKENS, (BLOCK_FLOATS / columns) & -Tiles.TOKENS);
    Scratch scratch = Scratch.current();
    long sums = scratch.sums((long) Math.min(block, tokens) * Tiles.SUMS);
    long panel = scratch.panel((Tiles.ROWS * PANEL_STRIDE) >> 2);
    for (int from = 0; from < tokens; from += block) {
      int count = Math.min(block, tokens - from);
      for (long row = first; row < end; row += Tiles.ROWS) {
        int height = (int) Math.min(Tiles.ROWS, end - row);
        NativeMemory.zero(sums, (long) count * Tiles.SUMS);
        accumulate(row, height, from, count, panel, sums);
        finish(row, height, from, count, sums);
      }
    }
  }

  private void accumulate(long row, int height, int from, int count, long panel, long sums) {
    long inputs = x + from * xStride;
    if (type == GgmlType.F32 && height == Tiles.ROWS) {
      for (int k = 0; k < columns; k += STRETCH) {
        long at = (long) k << 2;
        long source = weights + row * rowBytes + at;
        int n = Math.min(STRETCH, columns - k);
        Tiles.multiply(source, rowBytes, inputs + at, xStride, count, n, sums);
      }
      return;
    }
    for (int k = 0; k < columns; k += STRETCH) {
      int n = Math.min(STRETCH, columns - k);
      long offset = type.bytesFor(k);
      for (int i = 0; i < Tiles.ROWS; i++) {
        long target = panel + i * PANEL_STRIDE;
        if (i < height) {
          Dequantize.run(type, weights + (row + i) * rowBytes + offset, target, n);
        } else {
          NativeMemory.zero(target, n);
        }
      }
      Tiles.multiply(panel, PANEL_STRIDE, inputs + ((long) k << 2), xStride, count, n, sums);
    }
  }

  private void finish(long row, int height, int from, int count, long sums) {
    for (int t = 0; t < count; t++) {
      long target = y + (from + t) * yStride + (row << 2);
      long sum = sums + (long) t * Tiles.SUMS * Float.BYTES;
      for (int i = 0; i < height; i++) {
        NativeMemory.setFloat(
            target + ((long) i << 2), Lanes.tree(sum + (long) i * Lanes.VIRTUAL_BYTES));
      }
    }
  }
}
