package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Between 16-bit floats and single precision. Addresses are unchecked. */
final class HalfFloats {
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

  /** As many shorts as a vector has floats; vectors of less than 64 bits do not exist. */
  private static final boolean VECTORS = LENGTH >= 4;

  private static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, LENGTH * Short.SIZE)));

  private static final int HALF_BITS = 0x7fff;
  private static final int HALF_INFINITY = 0x7c00;

  /** 2^112: between the exponents' biases of the two formats. */
  private static final float REBIAS = 0x1p112f;

  private HalfFloats() {}

  /** Copies floats, as they are or rounded to half precision (to nearest, ties to even). */
  static void store(long from, long to, int n, boolean half) {
    if (half) {
      for (int i = 0; i < n; i++) {
        short bits = Float.floatToFloat16(NativeMemory.getFloat(from + ((long) i << 2)));
        ALL.set(NativeMemory.SHORT, to + ((long) i << 1), bits);
      }
    } else {
      MemorySegment.copy(ALL, from, ALL, to, (long) n << 2);
    }
  }

  /**
   * Widens half-precision numbers, exactly. The bits of a half, moved to the place of a float's and
   * read as one, are the number times 2^-112, also below the normal range; infinities and NaN need
   * their exponent.
   */
  static void widen(long from, long to, int n) {
    int i = 0;
    if (VECTORS) {
      for (int end = F.loopBound(n); i < end; i += LENGTH) {
        IntVector bits =
            (IntVector)
                ShortVector.fromMemorySegment(S, ALL, from + ((long) i << 1), ORDER)
                    .convertShape(VectorOperators.S2I, I, 0);
        IntVector magnitude = bits.and(HALF_BITS);
        VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, HALF_INFINITY);
        IntVector sign = bits.and(Integer.MIN_VALUE);
        IntVector widened =
            magnitude
                .lanewise(VectorOperators.LSHL, 13)
                .reinterpretAsFloats()
                .mul(REBIAS)
                .reinterpretAsInts();
        widened
            .lanewise(VectorOperators.OR, 0x7f80_0000, special)
            .or(sign)
            .reinterpretAsFloats()
            .intoMemorySegment(ALL, to + ((long) i << 2), ORDER);
      }
    }
    for (; i < n; i++) {
      NativeMemory.setFloat(to + ((long) i << 2), NativeMemory.getHalf(from + ((long) i << 1)));
    }
  }

  /** Widens the upper halves of floats (bfloat16), exactly. */
  static void widenBrain(long from, long to, int n) {
    int i = 0;
    if (VECTORS) {
      for (int end = F.loopBound(n); i < end; i += LENGTH) {
        IntVector bits =
            (IntVector)
                ShortVector.fromMemorySegment(S, ALL, from + ((long) i << 1), ORDER)
                    .convertShape(VectorOperators.S2I, I, 0);
        FloatVector wide = bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
        wide.intoMemorySegment(ALL, to + ((long) i << 2), ORDER);
      }
    }
    for (; i < n; i++) {
      int bits = NativeMemory.getUnsignedShort(from + ((long) i << 1)) << 16;
      NativeMemory.setFloat(to + ((long) i << 2), Float.intBitsToFloat(bits));
    }
  }
}
