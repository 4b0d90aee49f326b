package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.Lanes.VIRTUAL;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of matrix products: dot products of {@value #ROWS} rows with one or {@value
 * #TOKENS} vectors, over a stretch of {@code k}, continued from and left in 16 virtual lanes each.
 *
 * <p>Enough independent sums to hide the latency of a multiply-add, few enough operations for the
 * compiler to inline them all. Addresses and strides are in bytes and unchecked.
 */
final class Tiles {
  /** Rows of a tile. */
  static final int ROWS = 4;

  /** Vectors of a wide tile. */
  static final int TOKENS = 4;

  /** Floats that the sums of one vector with a tile's rows take. */
  static final int SUMS = ROWS * VIRTUAL;

  private static final long SUM_BYTES = Lanes.VIRTUAL_BYTES;
  private static final long TOKEN_BYTES = (long) SUMS * Float.BYTES;

  private Tiles() {}

  /** Adds to the sums of {@code tokens} vectors, laid out {@code [token][row][lane]}. */
  static void multiply(long w, long wStride, long x, long xStride, int tokens, int n, long sums) {
    int whole = n & -VIRTUAL;
    int t = 0;
    for (; t + TOKENS <= tokens; t += TOKENS) {
      wide(w, wStride, x + t * xStride, xStride, whole, sums + t * TOKEN_BYTES);
    }
    for (; t < tokens; t++) {
      narrow(w, wStride, x + t * xStride, whole, sums + t * TOKEN_BYTES);
    }
    if (whole < n) {
      rest(w, wStride, x, xStride, tokens, whole, n, sums);
    }
  }

  private static void narrow(long w, long wStride, long x, int n, long sums) {
    for (int part = 0; part < VIRTUAL; part += LENGTH) {
      long sum = sums + ((long) part << 2);
      FloatVector s0 = FloatVector.fromMemorySegment(F, ALL, sum, ORDER);
      FloatVector s1 = FloatVector.fromMemorySegment(F, ALL, sum + SUM_BYTES, ORDER);
      FloatVector s2 = FloatVector.fromMemorySegment(F, ALL, sum + 2 * SUM_BYTES, ORDER);
      FloatVector s3 = FloatVector.fromMemorySegment(F, ALL, sum + 3 * SUM_BYTES, ORDER);
      for (int k = part; k < n; k += VIRTUAL) {
        long at = (long) k << 2;
        FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
        long row = w + at;
        s0 = FloatVector.fromMemorySegment(F, ALL, row, ORDER).fma(v, s0);
        s1 = FloatVector.fromMemorySegment(F, ALL, row + wStride, ORDER).fma(v, s1);
        s2 = FloatVector.fromMemorySegment(F, ALL, row + 2 * wStride, ORDER).fma(v, s2);
        s3 = FloatVector.fromMemorySegment(F, ALL, row + 3 * wStride, ORDER).fma(v, s3);
      }
      s0.intoMemorySegment(ALL, sum, ORDER);
      s1.intoMemorySegment(ALL, sum + SUM_BYTES, ORDER);
      s2.intoMemorySegment(ALL, sum + 2 * SUM_BYTES, ORDER);
      s3.intoMemorySegment(ALL, sum + 3 * SUM_BYTES, ORDER);
    }
  }

  private static void wide(long w, long wStride, long x, long xStride, int n, long sums) {
    for (int part = 0; part < VIRTUAL; part += LENGTH) {
      long a = sums + ((long) part << 2);
      long b = a + TOKEN_BYTES;
      long c = b + TOKEN_BYTES;
      long d = c + TOKEN_BYTES;
      FloatVector a0 = FloatVector.fromMemorySegment(F, ALL, a, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(F, ALL, a + SUM_BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(F, ALL, a + 2 * SUM_BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(F, ALL, a + 3 * SUM_BYTES, ORDER);
      FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(F, ALL, b + SUM_BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(F, ALL, b + 2 * SUM_BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(F, ALL, b + 3 * SUM_BYTES, ORDER);
      FloatVector c0 = FloatVector.fromMemorySegment(F, ALL, c, ORDER);
      FloatVector c1 = FloatVector.fromMemorySegment(F, ALL, c + SUM_BYTES, ORDER);
      FloatVector c2 = FloatVector.fromMemorySegment(F, ALL, c + 2 * SUM_BYTES, ORDER);
      FloatVector c3 = FloatVector.fromMemorySegment(F, ALL, c + 3 * SUM_BYTES, ORDER);
      FloatVector d0 = FloatVector.fromMemorySegment(F, ALL, d, ORDER);
      FloatVector d1 = FloatVector.fromMemorySegment(F, ALL, d + SUM_BYTES, ORDER);
      FloatVector d2 = FloatVector.fromMemorySegment(F, ALL, d + 2 * SUM_BYTES, ORDER);
      FloatVector d3 = FloatVector.fromMemorySegment(F, ALL, d + 3 * SUM_BYTES, ORDER);
      for (int k = part; k < n; k += VIRTUAL) {
        long at = (long) k << 2;
        long row = w + at;
        FloatVector w0 = FloatVector.fromMemorySegment(F, ALL, row, ORDER);
        FloatVector w1 = FloatVector.fromMemorySegment(F, ALL, row + wStride, ORDER);
        FloatVector w2 = FloatVector.fromMemorySegment(F, ALL, row + 2 * wStride, ORDER);
        FloatVector w3 = FloatVector.fromMemorySegment(F, ALL, row + 3 * wStride, ORDER);
        long token = x + at;
        FloatVector v = FloatVector.fromMemorySegment(F, ALL, token, ORDER);
        a0 = w0.fma(v, a0);
        a1 = w1.fma(v, a1);
        a2 = w2.fma(v, a2);
        a3 = w3.fma(v, a3);
        v = FloatVector.fromMemorySegment(F, ALL, token + xStride, ORDER);
        b0 = w0.fma(v, b0);
        b1 = w1.fma(v, b1);
        b2 = w2.fma(v, b2);
        b3 = w3.fma(v, b3);
        v = FloatVector.fromMemorySegment(F, ALL, token + 2 * xStride, ORDER);
        c0 = w0.fma(v, c0);
        c1 = w1.fma(v, c1);
        c2 = w2.fma(v, c2);
        c3 = w3.fma(v, c3);
        v = FloatVector.fromMemorySegment(F, ALL, token + 3 * xStride, ORDER);
        d0 = w0.fma(v, d0);
        d1 = w1.fma(v, d1);
        d2 = w2.fma(v, d2);
        d3 = w3.fma(v, d3);
      }
      a0.intoMemorySegment(ALL, a, ORDER);
      a1.intoMemorySegment(ALL, a + SUM_BYTES, ORDER);
      a2.intoMemorySegment(ALL, a + 2 * SUM_BYTES, ORDER);
      a3.intoMemorySegment(ALL, a + 3 * SUM_BYTES, ORDER);
      b0.intoMemorySegment(ALL, b, ORDER);
      b1.intoMemorySegment(ALL, b + SUM_BYTES, ORDER);
      b2.intoMemorySegment(ALL, b + 2 * SUM_BYTES, ORDER);
      b3.intoMemorySegment(ALL, b + 3 * SUM_BYTES, ORDER);
      c0.intoMemorySegment(ALL, c, ORDER);
      c1.intoMemorySegment(ALL, c + SUM_BYTES, ORDER);
      c2.intoMemorySegment(ALL, c + 2 * SUM_BYTES, ORDER);
      c3.intoMemorySegment(ALL, c + 3 * SUM_BYTES, ORDER);
      d0.intoMemorySegment(ALL, d, ORDER);
      d1.intoMemorySegment(ALL, d + SUM_BYTES, ORDER);
      d2.intoMemorySegment(ALL, d + 2 * SUM_BYTES, ORDER);
      d3.intoMemorySegment(ALL, d + 3 * SUM_BYTES, ORDER);
    }
  }

  /** The elements past the last multiple of 16: only in the last stretch of a row. */
  private static void rest(
      long w, long wStride, long x, long xStride, int tokens, int from, int n, long sums) {
    for (int t = 0; t < tokens; t++) {
      for (int row = 0; row < ROWS; row++) {
        long sum = sums + t * TOKEN_BYTES + row * SUM_BYTES;
        for (int k = from; k < n; k++) {
          long lane = sum + ((long) (k - from) << 2);
          long at = (long) k << 2;
          float weight = getFloat(w + row * wStride + at);
          setFloat(lane, Math.fma(weight, getFloat(x + t * xStride + at), getFloat(lane)));
        }
      }
    }
  }
}
