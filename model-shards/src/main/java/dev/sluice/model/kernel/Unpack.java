package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getByte;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sixteen quantized weights from packed bytes to floats: {@code q * scale - min}, each operation
 * rounded. All take the quant {@code q} of weight {@code i} from byte {@code i} at an address: its
 * bits from {@code shift} on, by a mask.
 *
 * <p>Small methods with nothing but addresses and numbers in their signatures, so that the compiler
 * inlines them wherever they are used. Machines with vectors of four floats take the plain loops.
 */
final class Unpack {
  /** Weights of a call. */
  static final int COUNT = 16;

  private static final boolean VECTORS = LENGTH >= 8;
  private static final boolean WHOLE = LENGTH == COUNT;
  private static final long HALF_BYTES = COUNT / 2 * Float.BYTES;
  private static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;

  private static final byte[] ONE_BITS = {
    1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128
  };
  private static final byte[] FIRST_EIGHT = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

  /** The values of the non-linear 4-bit types, from the definition of IQ4_NL in GGML's format. */
  private static final byte[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private Unpack() {}

  /** {@code q = byte}, signed; no min. */
  static void bytes(long source, float scale, long target) {
    if (VECTORS) {
      ByteVector q = ByteVector.fromMemorySegment(B, ALL, source, ORDER);
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        setFloat(target + ((long) i << 2), getByte(source + i) * scale);
      }
    }
  }

  /** {@code q = (byte >> shift & mask) - bias}. */
  static void bits(
      long source, int shift, int mask, int bias, float scale, float min, long target) {
    if (VECTORS) {
      ByteVector q =
          ByteVector.fromMemorySegment(B, ALL, source, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, shift)
              .reinterpretAsBytes()
              .and((byte) mask)
              .sub((byte) bias);
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        int q = ((getByte(source + i) >> shift) & mask) - bias;
        setFloat(target + ((long) i << 2), q * scale - min);
      }
    }
  }

  /**
   * {@code q = (byte >> shift & 15 | (high byte >> highShift & highMask) << 4) - bias}; the high
   * byte of weight {@code i} is the {@code i}-th from {@code high} on.
   */
  static void bitsAndHigh(
      long source,
      int shift,
      long high,
      int highShift,
      int highMask,
      int bias,
      float scale,
      float min,
      long target) {
    if (VECTORS) {
      ByteVector low =
          ByteVector.fromMemorySegment(B, ALL, source, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, shift)
              .reinterpretAsBytes()
              .and((byte) 15);
      ByteVector top =
          ByteVector.fromMemorySegment(B, ALL, high, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, highShift)
              .and((short) (highMask * 0x101))
              .lanewise(VectorOperators.LSHL, 4)
              .reinterpretAsBytes();
      ByteVector q = low.or(top).sub((byte) bias);
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        int top = ((getByte(high + i) >> highShift) & highMask) << 4;
        int q = (((getByte(source + i) >> shift) & 15) | top) - bias;
        setFloat(target + ((long) i << 2), q * scale - min);
      }
    }
  }

  /** {@code q = (byte >> shift & 3) - (bit of the mask's byte i ? 0 : 4)}; no min. */
  static void threeBits(long source, int shift, long mask, int bit, float scale, long target) {
    if (VECTORS) {
      ByteVector low =
          ByteVector.fromMemorySegment(B, ALL, source, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, shift)
              .reinterpretAsBytes()
              .and((byte) 3);
      ByteVector top =
          ByteVector.fromMemorySegment(B, ALL, mask, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, bit)
              .and((short) 0x101)
              .lanewise(VectorOperators.LSHL, 2)
              .reinterpretAsBytes();
      ByteVector q = low.or(top).sub((byte) 4);
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        int q =
            (((getByte(source + i) >> shift) & 3) | (((getByte(mask + i) >> bit) & 1) << 2)) - 4;
        setFloat(target + ((long) i << 2), q * scale);
      }
    }
  }

  /** {@code q = (byte >> shift & 15 | bit i of fifth << 4) - bias}. */
  static void bitsAndFifth(
      long source, int shift, int fifth, int bias, float scale, float min, long target) {
    if (VECTORS) {
      ByteVector low =
          ByteVector.fromMemorySegment(B, ALL, source, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, shift)
              .reinterpretAsBytes()
              .and((byte) 15);
      ByteVector ones = ByteVector.fromArray(B, ONE_BITS, 0);
      ByteVector spread =
          ByteVector.fromArray(B, FIRST_EIGHT, 0)
              .selectFrom(
                  ShortVector.broadcast(ShortVector.SPECIES_128, (short) fifth)
                      .reinterpretAsBytes());
      ByteVector q =
          low.or((byte) 16)
              .blend(low, spread.and(ones).compare(VectorOperators.EQ, (byte) 0))
              .sub((byte) bias);
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .sub(min)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        int q = (((getByte(source + i) >> shift) & 15) | (((fifth >> i) & 1) << 4)) - bias;
        setFloat(target + ((long) i << 2), q * scale - min);
      }
    }
  }

  /** {@code q} is the non-linear value of {@code byte >> shift & 15}; no min. */
  static void nonLinear(long source, int shift, float scale, long target) {
    if (VECTORS) {
      ByteVector q =
          ByteVector.fromMemorySegment(B, ALL, source, ORDER)
              .reinterpretAsShorts()
              .lanewise(VectorOperators.LSHR, shift)
              .reinterpretAsBytes()
              .and((byte) 15)
              .selectFrom(ByteVector.fromArray(B, NON_LINEAR, 0));
      if (WHOLE) {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
      } else {
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, target, ORDER);
        ((FloatVector) q.convertShape(VectorOperators.B2F, F, 1))
            .mul(scale)
            .intoMemorySegment(ALL, target + HALF_BYTES, ORDER);
      }
    } else {
      for (int i = 0; i < COUNT; i++) {
        int q = NON_LINEAR[(getByte(source + i) >> shift) & 15];
        setFloat(target + ((long) i << 2), q * scale);
      }
    }
  }
}
