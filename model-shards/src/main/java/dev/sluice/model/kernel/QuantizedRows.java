package dev.sluice.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Rows of activations, each block of 32 quantized to 12 bits: {@code q = round(x / scale)}, ties to
 * even, with {@code scale = max |x| / 2047}. A block of zeros, or of numbers too small for that,
 * has the scale 0; one with an infinity or NaN the scale NaN, so that the results tell of it.
 *
 * <p>Kernels fill it as they read it: native ones the bytes, those in Java the arrays. Memory grows
 * to what was ever needed. Filled by one thread and its pool, then read by many.
 */
final class QuantizedRows implements WorkerPool.ChunkTask {
  /** What the largest of a block becomes. */
  static final int MOST = 2047;

  /** Smaller blocks are zeros: nothing that matters, and no quotient overflows. */
  static final float LEAST = 1e-30f;

  private static final int BLOCK = PackedFormat.COLUMNS;
  private static final int ALIGNMENT = 64;

  private KernelProvider kernels = JavaKernels.INSTANCE;
  private long input;
  private long inputStride;
  private int tokens;
  private int columns;
  private int zeroPoint;

  private MemorySegment memory = MemorySegment.NULL;
  private float[] values = {};
  private float[] scaleArray = {};
  private float[] biasArray = {};

  /** Quantizes for some kernels; strides are in floats. */
  void quantize(
      WorkerPool pool,
      KernelProvider readers,
      long x,
      long xStride,
      int count,
      int width,
      int newZeroPoint) {
    kernels = readers;
    input = x;
    inputStride = xStride << 2;
    tokens = count;
    columns = width;
    zeroPoint = newZeroPoint;
    int numbers = Math.multiplyExact(count, width);
    if (kernels == JavaKernels.INSTANCE) {
      if (values.length < numbers) {
        int length = Math.max(numbers, 2 * values.length);
        values = new float[length];
        scaleArray = new float[length / BLOCK];
        biasArray = new float[length / BLOCK];
      }
    } else {
      long bytes = 2L * numbers + 2L * numbers / BLOCK * Float.BYTES;
      if (memory.byteSize() < bytes) {
        memory = Arena.ofAuto().allocate(Math.max(bytes, 2 * memory.byteSize()), ALIGNMENT);
      }
    }
    pool.parallel(count, this);
  }

  @Override
  public void run(int token, int worker) {
    kernels.quantize(this, token, input + token * inputStride);
  }

  /** Rows. */
  int tokens() {
    return tokens;
  }

  /** Elements of a row. */
  int columns() {
    return columns;
  }

  /** Blocks of a row. */
  int blocks() {
    return columns / BLOCK;
  }

  /** What a weight of zero is stored as. */
  int zeroPoint() {
    return zeroPoint;
  }

  /** Where a row's quants begin: for each block the bytes {@code q >> 5}, then {@code q & 31}. */
  long quants(int token) {
    return memory.address() + 2L * token * columns;
  }

  /** Where a row's scales begin, a float for each block. */
  long scales(int token) {
    return quants(tokens) + (long) token * blocks() * Float.BYTES;
  }

  /**
   * Where a row's biases begin, an int for each block: the zero point times the sum of its quants,
   * negated.
   */
  long biases(int token) {
    return scales(tokens) + (long) token * blocks() * Integer.BYTES;
  }

  /** The quants {@code [tokens x columns]}. */
  float[] values() {
    return values;
  }

  /** The scales {@code [tokens x blocks]}. */
  float[] scaleArray() {
    return scaleArray;
  }

  /** The biases {@code [tokens x blocks]}. */
  float[] biasArray() {
    return biasArray;
  }
}
