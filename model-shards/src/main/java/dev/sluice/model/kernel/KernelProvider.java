package dev.sluice.model.kernel;

/**
 * Who multiplies packed weights with quantized activations. All give the same bits: the sums within
 * a block are integers, and the floats are added in one stated order.
 *
 * <p>For any number of threads at once. Addresses are unchecked: the caller has seen to it that
 * they lie within living memory.
 */
sealed interface KernelProvider permits JavaKernels, NativeKernels {
  /** What it is, for people: {@code java, 512 bits} or {@code native, avx512-vnni}. */
  String name();

  /**
   * Quantizes a row of activations, to where {@link QuantizedRows} has it for these kernels.
   *
   * @param x its first float
   */
  void quantize(QuantizedRows rows, int token, long x);

  /**
   * Multiplies some panels with all rows of activations.
   *
   * @param panels address of the first panel
   * @param count how many
   * @param lastRows rows of the last of them, 1 to {@value PackedMatrix#PANEL_ROWS}
   * @param y where the result of the first row of the first panel and the first token goes
   * @param yStride floats from token to token
   */
  void multiply(
      PackedFormat format,
      long panels,
      int count,
      int lastRows,
      QuantizedRows rows,
      long y,
      long yStride);
}
