package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.Lanes.VIRTUAL;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getHalf;

import dev.sluice.model.gguf.GgmlType;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products of {@value Tiles#ROWS} quantized rows with one vector, dequantized in registers: for
 * a single token, where reading the weights is all that counts. The sums are laid out as by {@link
 * Tiles} and have the same bits.
 *
 * <p>Only where a vector holds all 16 lanes; elsewhere the panel serves as well.
 */
final class Fused {
  private static final boolean VECTORS = LENGTH == VIRTUAL;
  private static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;
  private static final int BLOCK = 32;
  private static final long SUM_BYTES = Lanes.VIRTUAL_BYTES;
  private static final long Q80_BYTES = 34;
  private static final long Q40_BYTES = 18;

  private Fused() {}

  /** Whether {@link #multiply} knows the type, on this machine. */
  static boolean supports(GgmlType type) {
    return VECTORS && (type == GgmlType.Q8_0 || type == GgmlType.Q4_0);
  }

  /** Writes the sums of whole rows: {@code n} elements, {@code wStride} bytes apart. */
  static void multiply(GgmlType type, long w, long wStride, long x, int n, long sums) {
    if (type == GgmlType.Q8_0) {
      q80(w, wStride, x, n, sums);
    } else {
      q40(w, wStride, x, n, sums);
    }
  }

  private static void q80(long w, long wStride, long x, int n, long sums) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int block = 0; block < n / BLOCK; block++) {
      long row0 = w + block * Q80_BYTES;
      long row1 = row0 + wStride;
      long row2 = row1 + wStride;
      long row3 = row2 + wStride;
      FloatVector d0 = FloatVector.broadcast(F, getHalf(row0));
      FloatVector d1 = FloatVector.broadcast(F, getHalf(row1));
      FloatVector d2 = FloatVector.broadcast(F, getHalf(row2));
      FloatVector d3 = FloatVector.broadcast(F, getHalf(row3));
      for (int i = 0; i < BLOCK; i += VIRTUAL) {
        long at = 2 + (long) i;
        FloatVector v =
            FloatVector.fromMemorySegment(F, ALL, x + ((long) (block * BLOCK + i) << 2), ORDER);
        ByteVector q = ByteVector.fromMemorySegment(B, ALL, row0 + at, ORDER);
        s0 = ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d0).fma(v, s0);
        q = ByteVector.fromMemorySegment(B, ALL, row1 + at, ORDER);
        s1 = ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d1).fma(v, s1);
        q = ByteVector.fromMemorySegment(B, ALL, row2 + at, ORDER);
        s2 = ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d2).fma(v, s2);
        q = ByteVector.fromMemorySegment(B, ALL, row3 + at, ORDER);
        s3 = ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0)).mul(d3).fma(v, s3);
      }
    }
    s0.intoMemorySegment(ALL, sums, ORDER);
    s1.intoMemorySegment(ALL, sums + SUM_BYTES, ORDER);
    s2.intoMemorySegment(ALL, sums + 2 * SUM_BYTES, ORDER);
    s3.intoMemorySegment(ALL, sums + 3 * SUM_BYTES, ORDER);
  }

  private static void q40(long w, long wStride, long x, int n, long sums) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int block = 0; block < n / BLOCK; block++) {
      long row0 = w + block * Q40_BYTES;
      long row1 = row0 + wStride;
      long row2 = row1 + wStride;
      long row3 = row2 + wStride;
      FloatVector d0 = FloatVector.broadcast(F, getHalf(row0));
      FloatVector d1 = FloatVector.broadcast(F, getHalf(row1));
      FloatVector d2 = FloatVector.broadcast(F, getHalf(row2));
      FloatVector d3 = FloatVector.broadcast(F, getHalf(row3));
      for (int half = 0; half < 2; half++) {
        int shift = half * 4;
        long k = (long) block * BLOCK + (half == 0 ? 0 : VIRTUAL);
        FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + (k << 2), ORDER);
        s0 = nibbles(row0 + 2, shift).mul(d0).fma(v, s0);
        s1 = nibbles(row1 + 2, shift).mul(d1).fma(v, s1);
        s2 = nibbles(row2 + 2, shift).mul(d2).fma(v, s2);
        s3 = nibbles(row3 + 2, shift).mul(d3).fma(v, s3);
      }
    }
    s0.intoMemorySegment(ALL, sums, ORDER);
    s1.intoMemorySegment(ALL, sums + SUM_BYTES, ORDER);
    s2.intoMemorySegment(ALL, sums + 2 * SUM_BYTES, ORDER);
    s3.intoMemorySegment(ALL, sums + 3 * SUM_BYTES, ORDER);
  }

  /** 16 quants less 8; small enough that it is always inlined. */
  private static FloatVector nibbles(long source, int shift) {
    ByteVector q =
        ByteVector.fromMemorySegment(B, ALL, source, ORDER)
            .reinterpretAsShorts()
            .lanewise(VectorOperators.LSHR, shift)
            .reinterpretAsBytes()
            .and((byte) 15)
            .sub((byte) 8);
    return (FloatVector) q.convertShape(VectorOperators.B2F, F, 0);
  }
}
