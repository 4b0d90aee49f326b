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
 * a single token, where reading the weights is all that counts. One row after the other: memory is
 * read as one stream, which is worth more than independent sums; and a byte of each cache line is
 * read a page ahead, since the machine's own prefetching ends at the page. The sums are laid out as
 * by {@link Tiles} and have the same bits.
 *
 * <p>Only where a vector holds all 16 lanes; elsewhere the panel serves as well.
 */
final class Fused {
  private static final boolean VECTORS = LENGTH == VIRTUAL;
  private static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;
  private static final int BLOCK = 32;
  private static final int AHEAD = 4096 + 256;
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
    for (int row = 0; row < Tiles.ROWS; row++) {
      long at = w + row * wStride;
      long sum = sums + row * SUM_BYTES;
      ahead += type == GgmlType.Q8_0 ? q80(at, x, n, sum, last) : q40(at, x, n, sum, last);
    }
    return ahead;
  }

  private static int q80(long w, long x, int n, long sum, long last) {
    FloatVector s = FloatVector.zero(F);
    int ahead = 0;
    for (int i = 0; i < n / BLOCK; i++) {
      long block = w + i * Q80_BYTES;
      long input = x + ((long) i << INPUT_SHIFT);
      ahead += getByte(Math.min(block + AHEAD, last));
      FloatVector scale = FloatVector.broadcast(F, getHalf(block));
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, input, ORDER);
      s = bytes(block + 2).mul(scale).fma(v, s);
      v = FloatVector.fromMemorySegment(F, ALL, input + SUM_BYTES, ORDER);
      s = bytes(block + 18).mul(scale).fma(v, s);
    }
    s.intoMemorySegment(ALL, sum, ORDER);
    return ahead;
  }

  private static int q40(long w, long x, int n, long sum, long last) {
    FloatVector s = FloatVector.zero(F);
    int ahead = 0;
    for (int i = 0; i < n / BLOCK; i++) {
      long block = w + i * Q40_BYTES;
      long input = x + ((long) i << INPUT_SHIFT);
      ahead += getByte(Math.min(block + AHEAD, last));
      FloatVector scale = FloatVector.broadcast(F, getHalf(block));
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, input, ORDER);
      s = nibbles(block + 2, 0).mul(scale).fma(v, s);
      v = FloatVector.fromMemorySegment(F, ALL, input + SUM_BYTES, ORDER);
      s = nibbles(block + 2, 4).mul(scale).fma(v, s);
    }
    s.intoMemorySegment(ALL, sum, ORDER);
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
