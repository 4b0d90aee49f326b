package dev.sluice.model.kernel;

/**
 * A product with packed weights in progress: the activations are quantized, then chunks of panels
 * are shared out. One per calling thread, used again for each product.
 */
final class PackedTask implements WorkerPool.ChunkTask {
  /** Weights of a chunk at least: some microseconds, so that sharing out costs little. */
  private static final int CHUNK_WEIGHTS = 1 << 16;

  /** Chunks for each thread, so that they end at about the same time. */
  private static final int CHUNKS = 8;

  /** Panels that are multiplied together; a chunk has a whole number of such pairs. */
  private static final int PAIR = 2;

  private final QuantizedRows activations = new QuantizedRows();
  private KernelProvider kernels = JavaKernels.INSTANCE;
  private PackedFormat format = PackedFormat.BYTES;
  private long weights;
  private long rows;
  private long panelBytes;
  private int chunkPanels;
  private long y;
  private long yStride;

  /** Multiplies; addresses are checked by the caller, strides are in floats. */
  void run(
      WorkerPool pool,
      PackedFormat newFormat,
      long address,
      long newRows,
      int columns,
      long inputs,
      long inputStride,
      int tokens,
      long outputs,
      long outputStride) {
    kernels = pool.kernels();
    format = newFormat;
    weights = address;
    rows = newRows;
    y = outputs;
    yStride = outputStride;
    panelBytes = (long) columns / PackedFormat.COLUMNS * format.blockBytes();
    activations.quantize(pool, kernels, inputs, inputStride, tokens, columns, format.zeroPoint());
    long panels = (rows + PackedMatrix.PANEL_ROWS - 1) / PackedMatrix.PANEL_ROWS;
    long least = CHUNK_WEIGHTS / ((long) columns * PackedMatrix.PANEL_ROWS);
    long wanted = Math.max(least, panels / ((long) CHUNKS * pool.threads()));
    chunkPanels = (int) Math.max(PAIR, (wanted + PAIR - 1) & -PAIR);
    pool.parallel(Math.toIntExact((panels + chunkPanels - 1) / chunkPanels), this);
  }

  @Override
  public void run(int chunk, int worker) {
    long first = (long) chunk * chunkPanels;
    long firstRow = first * PackedMatrix.PANEL_ROWS;
    long endRow = Math.min(rows, firstRow + (long) chunkPanels * PackedMatrix.PANEL_ROWS);
    int count = (int) ((endRow - firstRow + PackedMatrix.PANEL_ROWS - 1) / PackedMatrix.PANEL_ROWS);
    int lastRows = (int) (endRow - firstRow - (count - 1L) * PackedMatrix.PANEL_ROWS);
    kernels.multiply(
        format,
        weights + first * panelBytes,
        count,
        lastRows,
        activations,
        y + firstRow * Float.BYTES,
        yStride);
  }
}
