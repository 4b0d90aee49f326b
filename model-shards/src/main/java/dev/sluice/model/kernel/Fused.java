package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.Lanes.VIRTUAL;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getByte;
import static dev.sluice.model.kernel.NativeMemory.getHalf;

import dev.sluice.model.gguf.GgmlType;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Dot products of {@value Tiles#ROWS} quantized rows with one vector, dequantized in registers: for
 * a single token, where reading the weights is all that counts. Two rows at a time: with four, the
 * compiler stops inlining and boxes vectors. Meanwhile rows further on are read, a byte of each
 * cache line, since the machine's own prefetching ends at the page. The sums are laid out as by
 * {@link Tiles} and have the same bits.
 *
 * <p>Only where a vector holds all 16 lanes; elsewhere the panel serves as well.
 */
final class Fused {
  private static final boolean VECTORS = LENGTH == VIRTUAL;
  private static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;
  private static final int BLOCK = 32;

  /**
   * No address and no stride has more bits. Masks that change nothing, but tell the compiler that
   * no sum overflows, so that it drops every bounds check of the loops.
   */
  private static final long ADDRESS = (1L << 56) - 1;

  private static final long OFFSET = (1L << 48) - 1;
  private static final int PAIR = 2;
  private static final int AHEAD_ROWS = 4;
  private static final int INPUT_SHIFT = 7; // bytes of the inputs of a block: 32 floats
  private static final long SUM_BYTES = Lanes.VIRTUAL_BYTES;
  private static final long Q80_BYTES = 34;
  private static final long Q40_BYTES = 18;

  private Fused() {}

  /** Whether {@link #multiply} knows the type, on this machine. */
  static boolean supports(GgmlType type) {
    return VECTORS && (type == GgmlType.Q8_0 || type == GgmlType.Q4_0);
  }

  /**
   * Writes the sums of {@link Tiles#ROWS} whole rows.
   *
   * @param wStride bytes from row to row
   * @param n elements of a row
   * @param last address of the last byte that may be read ahead
   * @return something that depends on what was read ahead; keep it, or it is not read
   */
  static int multiply(GgmlType type, long w, long wStride, long x, int n, long sums, long last) {
    int ahead = 0;
    for (int row = 0; row < Tiles.ROWS; row += PAIR) {
      long at = w + row * wStride;
      long sum = sums + row * SUM_BYTES;
      ahead +=
          type == GgmlType.Q8_0
              ? q80(at, wStride, x, n, sum, last)
              : q40(at, wStride, x, n, sum, last);
    }
    return ahead;
  }

  private static int q80(long weights, long stride, long inputs, int n, long sums, long lastByte) {
    long w = weights & ADDRESS;
    long wStride = stride & OFFSET;
    long x = inputs & ADDRESS;
    long last = lastByte & ADDRESS;
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    long next = w + AHEAD_ROWS * wStride;
    int ahead = 0;
    for (int i = 0; i < n / BLOCK; i++) {
      long row0 = w + i * Q80_BYTES;
      long row1 = row0 + wStride;
      ahead += getByte(Math.min(next + i * (PAIR * Q80_BYTES), last));
      FloatVector d0 = FloatVector.broadcast(F, getHalf(row0));
      FloatVector d1 = FloatVector.broadcast(F, getHalf(row1));
      long input = x + ((long) i << INPUT_SHIFT);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, input, ORDER);
      s0 = bytes(row0 + 2).mul(d0).fma(v, s0);
      s1 = bytes(row1 + 2).mul(d1).fma(v, s1);
      v = FloatVector.fromMemorySegment(F, ALL, input + SUM_BYTES, ORDER);
      s0 = bytes(row0 + 18).mul(d0).fma(v, s0);
      s1 = bytes(row1 + 18).mul(d1).fma(v, s1);
    }
    s0.intoMemorySegment(ALL, sums, ORDER);
    s1.intoMemorySegment(ALL, sums + SUM_BYTES, ORDER);
    return ahead;
  }

  private static int q40(long weights, long stride, long inputs, int n, long sums, long lastByte) {
    long w = weights & ADDRESS;
    long wStride = stride & OFFSET;
    long x = inputs & ADDRESS;
    long last = lastByte & ADDRESS;
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    long next = w + AHEAD_ROWS * wStride;
    int ahead = 0;
    for (int i = 0; i < n / BLOCK; i++) {
      long row0 = w + i * Q40_BYTES;
      long row1 = row0 + wStride;
      ahead += getByte(Math.min(next + i * (PAIR * Q40_BYTES), last));
      FloatVector d0 = FloatVector.broadcast(F, getHalf(row0));
      FloatVector d1 = FloatVector.broadcast(F, getHalf(row1));
      long input = x + ((long) i << INPUT_SHIFT);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, input, ORDER);
      s0 = nibbles(row0 + 2, 0).mul(d0).fma(v, s0);
      s1 = nibbles(row1 + 2, 0).mul(d1).fma(v, s1);
      v = FloatVector.fromMemorySegment(F, ALL, input + SUM_BYTES, ORDER);
      s0 = nibbles(row0 + 2, 4).mul(d0).fma(v, s0);
      s1 = nibbles(row1 + 2, 4).mul(d1).fma(v, s1);
    }
    s0.intoMemorySegment(ALL, sums, ORDER);
    s1.intoMemorySegment(ALL, sums + SUM_BYTES, ORDER);
    return ahead;
  }

  /** 16 quants; small enough that it is always inlined. */
  private static FloatVector bytes(long source) {
    ByteVector q = ByteVector.fromMemorySegment(B, ALL, source, ORDER);
    return (FloatVector) q.convertShape(VectorOperators.B2F, F, 0);
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
