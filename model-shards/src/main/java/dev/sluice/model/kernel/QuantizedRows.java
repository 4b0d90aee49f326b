package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.INT;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of activations, each block of 32 quantized to 12 bits: {@code q = round(x / scale)}, ties to
 * even, with {@code scale = max |x| / 2047}. A block of zeros, or of numbers too small for that,
 * has the scale 0; one with an infinity or NaN the scale NaN, so that the results tell of it.
 *
 * <p>Memory grows to what was ever needed. Filled by one thread and its pool, then read by many.
 */
final class QuantizedRows implements WorkerPool.ChunkTask {
  private static final int BLOCK = PackedFormat.COLUMNS;
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
  private static final int ALIGNMENT = 64;
  private static final int MOST = 2047;

  /** Smaller blocks are zeros: nothing that matters, and no quotient overflows. */
  private static final float LEAST = 1e-30f;

  /** Added and taken away again, it rounds to a whole number, ties to even. */
  private static final float ROUNDER = 0x1.8p23f;

  /** Bits of a quant that go into its second byte. */
  private static final int LOW_BITS = 5;

  private static final int LOW = (1 << LOW_BITS) - 1;

  private MemorySegment memory = MemorySegment.NULL;
  private long input;
  private long inputStride;
  private int tokens;
  private int columns;
  private int zeroPoint;
  private boolean arrays;

  private float[] values = {};
  private float[] scaleArray = {};
  private float[] biasArray = {};

  /** Quantizes; strides are in floats. */
  void quantize(
      WorkerPool pool,
      long x,
      long xStride,
      int count,
      int width,
      int newZeroPoint,
      boolean withArrays) {
    input = x;
    inputStride = xStride << 2;
    tokens = count;
    columns = width;
    zeroPoint = newZeroPoint;
    arrays = withArrays;
    int numbers = Math.multiplyExact(count, width);
    long bytes = 2L * numbers + 2L * numbers / BLOCK * Float.BYTES;
    if (memory.byteSize() < bytes) {
      memory = Arena.ofAuto().allocate(Math.max(bytes, 2 * memory.byteSize()), ALIGNMENT);
    }
    if (arrays && values.length < numbers) {
      int length = Math.max(numbers, 2 * values.length);
      values = new float[length];
      scaleArray = new float[length / BLOCK];
      biasArray = new float[length / BLOCK];
    }
    pool.parallel(count, this);
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

  /** The quants: for each block the bytes {@code q >> 5}, then the bytes {@code q & 31}. */
  long quants() {
    return memory.address();
  }

  /** The scales: floats {@code [tokens x blocks]}. */
  long scales() {
    return quants() + 2L * tokens * columns;
  }

  /**
   * The zero point times the sum of each block's quants, negated: ints {@code [tokens x blocks]}.
   */
  long biases() {
    return scales() + (long) tokens * blocks() * Float.BYTES;
  }

  /** The quants as floats {@code [tokens x columns]}. */
  float[] values() {
    return values;
  }

  /** The scales again. */
  float[] scaleArray() {
    return scaleArray;
  }

  /** The biases again. */
  float[] biasArray() {
    return biasArray;
  }

  @Override
  public void run(int token, int worker) {
    int blocks = blocks();
    for (int b = 0; b < blocks; b++) {
      int block = token * blocks + b;
      long x = input + token * inputStride + (long) b * BLOCK * Float.BYTES;
      long q = quants() + 2L * block * BLOCK;
      float most = largest(x);
      float scale = 0;
      float inverse = 0;
      if (!(most <= Float.MAX_VALUE)) {
        scale = Float.NaN;
      } else if (most >= LEAST) {
        scale = most / MOST;
        inverse = MOST / most;
      }
      round(x, inverse, q);
      int bias = -zeroPoint * sum(q);
      setFloat(scales() + (long) block * Float.BYTES, scale);
      ALL.set(INT, biases() + (long) block * Integer.BYTES, bias);
      if (arrays) {
        scaleArray[block] = scale;
        biasArray[block] = bias;
        for (int i = 0; i < BLOCK; i++) {
          values[block * BLOCK + i] = quant(q, i);
        }
      }
    }
  }

  private static float largest(long x) {
    FloatVector most = FloatVector.zero(F);
    for (int i = 0; i < BLOCK; i += LENGTH) {
      most = most.max(FloatVector.fromMemorySegment(F, ALL, x + 4L * i, ORDER).abs());
    }
    return most.reduceLanes(VectorOperators.MAX);
  }

  private static void round(long x, float inverse, long q) {
    if (LENGTH == Lanes.VIRTUAL) {
      for (int i = 0; i < BLOCK; i += LENGTH) {
        FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + 4L * i, ORDER).mul(inverse);
        FloatVector whole = v.add(ROUNDER).sub(ROUNDER);
        IntVector quants = (IntVector) whole.convertShape(VectorOperators.F2I, I, 0);
        bytes(quants.lanewise(VectorOperators.ASHR, LOW_BITS), q + i);
        bytes(quants.and(LOW), q + BLOCK + i);
      }
      return;
    }
    for (int i = 0; i < BLOCK; i++) {
      float v = NativeMemory.getFloat(x + 4L * i) * inverse;
      int quant = (int) ((v + ROUNDER) - ROUNDER);
      NativeMemory.setByte(q + i, (byte) (quant >> LOW_BITS));
      NativeMemory.setByte(q + BLOCK + i, (byte) (quant & LOW));
    }
  }

  private static void bytes(IntVector numbers, long target) {
    ((ByteVector) numbers.convertShape(VectorOperators.I2B, ByteVector.SPECIES_128, 0))
        .intoMemorySegment(ALL, target, ORDER);
  }

  private static int quant(long q, int column) {
    return (NativeMemory.getByte(q + column) << LOW_BITS)
        + NativeMemory.getByte(q + BLOCK + column);
  }

  private static int sum(long q) {
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += quant(q, i);
    }
    return sum;
  }
}
