package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.Lanes.VIRTUAL;
import static dev.sluice.model.kernel.NativeMemory.ALL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels in Java, which reaches no instruction for integer dot products.
 *
 * <p>It computes with whole numbers in floats, whose products and sums are exact below 2^24: for
 * many tokens, a block of two panels is unpacked once; for one, in registers.
 *
 * <p>The loops are kept short, and hand over their sums through small arrays: past some fifty
 * vector operations the compiler stops inlining, and vectors are boxed.
 */
final class JavaKernels implements KernelProvider {
  static final JavaKernels INSTANCE = new JavaKernels();

  /** Tokens of a tile. */
  private static final int TOKENS = 4;

  /** Rows of a tile: two panels. */
  private static final int ROWS = 2 * VIRTUAL;

  private static final int COLUMNS = PackedFormat.COLUMNS;
  private static final int GROUP = PackedFormat.GROUP_BYTES;
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

  /**
   * How far ahead a byte of each cache line is read, for a single token: the machine's own
   * prefetching ends at the page.
   */
  private static final int AHEAD = 4096;

  private static final int LINE = 64;

  /** Added and taken away again, it rounds to a whole number, ties to even. */
  private static final float ROUNDER = 0x1.8p23f;

  private static final int SCALE_BYTES = VIRTUAL * Float.BYTES;
  private static final int NIBBLE = 15;
  private static final int BYTE = 255;

  /** What loops hand over to each other; one per thread. */
  private static final class Work {
    private final float[] weights = new float[COLUMNS * ROWS];
    private final float[] sums = new float[TOKENS * ROWS];
    private float[] results = {};
    private MemorySegment scales = MemorySegment.NULL;

    @SuppressWarnings("UnusedVariable") // written so that what it depends on is computed
    private volatile int kept;
  }

  private static final ThreadLocal<Work> WORK = ThreadLocal.withInitial(Work::new);

  private JavaKernels() {}

  @Override
  public String name() {
    return "java, vectors of " + F.vectorBitSize() + " bits";
  }

  @Override
  public void quantize(QuantizedRows rows, int token, long x) {
    int blocks = rows.blocks();
    for (int b = 0; b < blocks; b++) {
      int block = token * blocks + b;
      long at = x + (long) b * COLUMNS * Float.BYTES;
      float most = largest(at);
      float scale = 0;
      float inverse = 0;
      if (!(most <= Float.MAX_VALUE)) {
        scale = Float.NaN;
      } else if (most >= QuantizedRows.LEAST) {
        scale = most / QuantizedRows.MOST;
        inverse = QuantizedRows.MOST / most;
      }
      rows.scaleArray()[block] = scale;
      float sum = round(at, inverse, rows.values(), block * COLUMNS);
      rows.biasArray()[block] = -rows.zeroPoint() * sum;
    }
  }

  private static float largest(long x) {
    FloatVector most = FloatVector.zero(F);
    for (int i = 0; i < COLUMNS; i += LENGTH) {
      most = most.max(FloatVector.fromMemorySegment(F, ALL, x + 4L * i, ORDER).abs());
    }
    return most.reduceLanes(VectorOperators.MAX);
  }

  /** Rounds a block to whole numbers; their sum. */
  private static float round(long x, float inverse, float[] values, int to) {
    FloatVector sum = FloatVector.zero(F);
    for (int i = 0; i < COLUMNS; i += LENGTH) {
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + 4L * i, ORDER).mul(inverse);
      FloatVector whole = v.add(ROUNDER).sub(ROUNDER);
      whole.intoArray(values, to + i);
      sum = sum.add(whole);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  @Override
  public void multiply(
      PackedFormat format,
      long panels,
      int count,
      int lastRows,
      QuantizedRows rows,
      long y,
      long yStride) {
    Work work = WORK.get();
    int tokens = rows.tokens();
    if (work.results.length < tokens * ROWS) {
      work.results = new float[tokens * ROWS];
    }
    long panelBytes = (long) rows.blocks() * format.blockBytes();
    for (int p = 0; p < count; p += 2) {
      long panel = panels + p * panelBytes;
      int there = Math.min(2, count - p);
      int height = (there - 1) * VIRTUAL + (p + there == count ? lastRows : VIRTUAL);
      Arrays.fill(work.results, 0, tokens * ROWS, 0f);
      if (tokens < TOKENS) {
        for (int t = 0; t < tokens; t++) {
          for (int i = 0; i < there; i++) {
            long last = panels + count * panelBytes - 1;
            single(format, panel + i * panelBytes, last, rows, t, work, t * ROWS + i * VIRTUAL);
          }
        }
      } else {
        many(format, panel, there, rows, work);
      }
      for (int t = 0; t < tokens; t++) {
        long to = y + (t * yStride + (long) p * VIRTUAL) * Float.BYTES;
        MemorySegment.copy(
            work.results, t * ROWS, ALL, ValueLayout.JAVA_FLOAT_UNALIGNED, to, height);
      }
    }
  }

  private static void many(
      PackedFormat format, long panel, int there, QuantizedRows rows, Work work) {
    int blocks = rows.blocks();
    int columns = rows.columns();
    int tokens = rows.tokens();
    int zeroPoint = format.zeroPoint();
    long panelBytes = (long) blocks * format.blockBytes();
    float[] x = rows.values();
    long scales = scales(work, 2);
    for (int b = 0; b < blocks; b++) {
      for (int i = 0; i < there; i++) {
        long block = panel + i * panelBytes + (long) b * format.blockBytes();
        HalfFloats.widen(block + format.quantBytes(), scales + (long) i * SCALE_BYTES, VIRTUAL);
        for (int part = 0; part < VIRTUAL; part += LENGTH) {
          long w = block + (long) part * Integer.BYTES;
          int to = i * VIRTUAL + part;
          if (format == PackedFormat.NIBBLES) {
            unpack(w, 0, 4, NIBBLE, zeroPoint, work.weights, to);
            unpack(w, 4, 4, NIBBLE, zeroPoint, work.weights, to + COLUMNS / 2 * ROWS);
          } else {
            unpack(w, 0, 8, BYTE, zeroPoint, work.weights, to);
          }
        }
      }
      int t = 0;
      for (; t + TOKENS <= tokens; t += TOKENS) {
        tile(work.weights, x, t * columns + b * COLUMNS, columns, work.sums);
        for (int i = 0; i < TOKENS; i++) {
          float scale = rows.scaleArray()[(t + i) * blocks + b];
          add(work.sums, i * ROWS, scales, scale, work.results, (t + i) * ROWS);
        }
      }
      for (; t < tokens; t++) {
        tile(work.weights, x, t * columns + b * COLUMNS, work.sums);
        float scale = rows.scaleArray()[t * blocks + b];
        add(work.sums, 0, scales, scale, work.results, t * ROWS);
      }
    }
  }

  /** Room for the scales of {@code blocks} blocks of 16 rows. */
  private static long scales(Work work, int blocks) {
    long bytes = (long) blocks * SCALE_BYTES;
    if (work.scales.byteSize() < bytes) {
      work.scales = Arena.ofAuto().allocate(bytes, LINE);
    }
    return work.scales.address();
  }

  /** Some bits of each byte, from {@code shift} on, less the zero point. */
  private static void unpack(
      long w, int shift, int groups, int mask, int zeroPoint, float[] target, int to) {
    int at = to;
    for (int g = 0; g < groups; g++) {
      IntVector v = IntVector.fromMemorySegment(I, ALL, w + (long) g * GROUP, ORDER);
      for (int i = shift; i < Integer.SIZE; i += Byte.SIZE) {
        IntVector quants = v.lanewise(VectorOperators.LSHR, i).and(mask).sub(zeroPoint);
        ((FloatVector) quants.convertShape(VectorOperators.I2F, F, 0)).intoArray(target, at);
        at += ROWS;
      }
    }
  }

  /** Sums of a block's products for {@value #TOKENS} tokens. */
  private static void tile(float[] w, float[] x, int at, int stride, float[] sums) {
    int at1 = at + stride;
    int at2 = at1 + stride;
    int at3 = at2 + stride;
    for (int part = 0; part < ROWS; part += 2 * LENGTH) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector b0 = a0;
      FloatVector a1 = a0;
      FloatVector b1 = a0;
      FloatVector a2 = a0;
      FloatVector b2 = a0;
      FloatVector a3 = a0;
      FloatVector b3 = a0;
      for (int k = 0; k < COLUMNS; k++) {
        FloatVector left = FloatVector.fromArray(F, w, k * ROWS + part);
        FloatVector right = FloatVector.fromArray(F, w, k * ROWS + part + LENGTH);
        FloatVector v = FloatVector.broadcast(F, x[at + k]);
        a0 = left.fma(v, a0);
        b0 = right.fma(v, b0);
        v = FloatVector.broadcast(F, x[at1 + k]);
        a1 = left.fma(v, a1);
        b1 = right.fma(v, b1);
        v = FloatVector.broadcast(F, x[at2 + k]);
        a2 = left.fma(v, a2);
        b2 = right.fma(v, b2);
        v = FloatVector.broadcast(F, x[at3 + k]);
        a3 = left.fma(v, a3);
        b3 = right.fma(v, b3);
      }
      a0.intoArray(sums, part);
      b0.intoArray(sums, part + LENGTH);
      a1.intoArray(sums, ROWS + part);
      b1.intoArray(sums, ROWS + part + LENGTH);
      a2.intoArray(sums, 2 * ROWS + part);
      b2.intoArray(sums, 2 * ROWS + part + LENGTH);
      a3.intoArray(sums, 3 * ROWS + part);
      b3.intoArray(sums, 3 * ROWS + part + LENGTH);
    }
  }

  /** The same for one. */
  private static void tile(float[] w, float[] x, int at, float[] sums) {
    for (int part = 0; part < ROWS; part += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int k = 0; k < COLUMNS; k++) {
        sum =
            FloatVector.fromArray(F, w, k * ROWS + part)
                .fma(FloatVector.broadcast(F, x[at + k]), sum);
      }
      sum.intoArray(sums, part);
    }
  }

  /** Adds a block's sums to a token's results. */
  private static void add(
      float[] sums, int from, long scales, float scale, float[] results, int to) {
    for (int part = 0; part < ROWS; part += LENGTH) {
      FloatVector factor =
          FloatVector.fromMemorySegment(F, ALL, scales + 4L * part, ORDER).mul(scale);
      FloatVector.fromArray(F, sums, from + part)
          .fma(factor, FloatVector.fromArray(F, results, to + part))
          .intoArray(results, to + part);
    }
  }

  private static void single(
      PackedFormat format,
      long panel,
      long last,
      QuantizedRows rows,
      int token,
      Work work,
      int to) {
    int ahead = 0;
    int blocks = rows.blocks();
    long widened = scales(work, blocks);
    for (int b = 0; b < blocks; b++) {
      long halves = panel + (long) b * format.blockBytes() + format.quantBytes();
      HalfFloats.widen(halves, widened + (long) b * SCALE_BYTES, VIRTUAL);
    }
    for (int part = 0; part < VIRTUAL; part += LENGTH) {
      long w = panel + (long) part * Integer.BYTES;
      long scales = widened + (long) part * Float.BYTES;
      ahead +=
          format == PackedFormat.NIBBLES
              ? nibbles(w, last, scales, rows, token, work.results, to + part)
              : bytes(w, last, scales, rows, token, work.results, to + part);
    }
    work.kept = ahead;
  }

  /**
   * A panel of nibbles with one token. As {@link #bytes}, it returns something that depends on what
   * was read ahead.
   */
  private static int nibbles(
      long panel, long last, long scales, QuantizedRows rows, int token, float[] results, int to) {
    int blocks = rows.blocks();
    float[] x = rows.values();
    float[] biases = rows.biasArray();
    float[] factors = rows.scaleArray();
    int ahead = 0;
    FloatVector sum = FloatVector.zero(F);
    for (int b = 0; b < blocks; b++) {
      long offset = (long) b * PackedFormat.NIBBLES.blockBytes();
      int block = token * blocks + b;
      FloatVector low = FloatVector.zero(F);
      FloatVector high = low;
      for (int g = 0; g < 4; g++) {
        IntVector v = IntVector.fromMemorySegment(I, ALL, panel + offset + (long) g * GROUP, ORDER);
        ahead += NativeMemory.getByte(Math.min(panel + offset + AHEAD + (long) g * LINE, last));
        int k = block * COLUMNS + 4 * g;
        for (int i = 0; i < 4; i++, k++) {
          low = floats(v.and(NIBBLE)).fma(FloatVector.broadcast(F, x[k]), low);
          v = v.lanewise(VectorOperators.LSHR, 4);
          high = floats(v.and(NIBBLE)).fma(FloatVector.broadcast(F, x[k + COLUMNS / 2]), high);
          v = v.lanewise(VectorOperators.LSHR, 4);
        }
      }
      long scale = scales + (long) b * SCALE_BYTES;
      FloatVector factor = FloatVector.fromMemorySegment(F, ALL, scale, ORDER).mul(factors[block]);
      sum = low.add(high).add(biases[block]).fma(factor, sum);
    }
    sum.intoArray(results, to);
    return ahead;
  }

  /** A panel of bytes with one token. */
  private static int bytes(
      long panel, long last, long scales, QuantizedRows rows, int token, float[] results, int to) {
    int blocks = rows.blocks();
    float[] x = rows.values();
    float[] biases = rows.biasArray();
    float[] factors = rows.scaleArray();
    int ahead = 0;
    FloatVector sum = FloatVector.zero(F);
    for (int b = 0; b < blocks; b++) {
      long offset = (long) b * PackedFormat.BYTES.blockBytes();
      int block = token * blocks + b;
      FloatVector even = FloatVector.zero(F);
      FloatVector odd = even;
      for (int g = 0; g < 8; g++) {
        IntVector v = IntVector.fromMemorySegment(I, ALL, panel + offset + (long) g * GROUP, ORDER);
        ahead += NativeMemory.getByte(Math.min(panel + offset + AHEAD + (long) g * LINE, last));
        int k = block * COLUMNS + 4 * g;
        even = floats(v.and(BYTE)).fma(FloatVector.broadcast(F, x[k]), even);
        v = v.lanewise(VectorOperators.LSHR, 8);
        odd = floats(v.and(BYTE)).fma(FloatVector.broadcast(F, x[k + 1]), odd);
        v = v.lanewise(VectorOperators.LSHR, 8);
        even = floats(v.and(BYTE)).fma(FloatVector.broadcast(F, x[k + 2]), even);
        v = v.lanewise(VectorOperators.LSHR, 8);
        odd = floats(v).fma(FloatVector.broadcast(F, x[k + 3]), odd);
      }
      long scale = scales + (long) b * SCALE_BYTES;
      FloatVector factor = FloatVector.fromMemorySegment(F, ALL, scale, ORDER).mul(factors[block]);
      sum = even.add(odd).add(biases[block]).fma(factor, sum);
    }
    sum.intoArray(results, to);
    return ahead;
  }

  private static FloatVector floats(IntVector numbers) {
    return (FloatVector) numbers.convertShape(VectorOperators.I2F, F, 0);
  }
}
