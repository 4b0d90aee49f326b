package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Plain scalar quantization to F32, F16, BF16, Q8_0 and Q4_0, with the rounding of ggml's reference
 * routines ({@code quantize_row_*_ref} in {@code ggml-quants.c}). Stateless, for any thread.
 */
public final class Quantizer {
  private Quantizer() {}

  /** Whether {@link #quantize} can write this type. */
  public static boolean supports(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0 -> true;
      default -> false;
    };
  }

  /**
   * Quantizes {@code values[offset .. offset+count)} into {@code dst} from its start.
   *
   * @throws IllegalArgumentException if the type is none of the five, if {@code count} is no whole
   *     number of blocks, or if a value is not finite or too large for the block's scale (Q8_0 and
   *     Q4_0; the others store it as it is)
   */
  public static void quantize(
      GgmlType type, float[] values, int offset, int count, MemorySegment dst) {
    if (!supports(type)) {
      throw new IllegalArgumentException("quantizing to " + type + " is not supported");
    }
    long end = type.bytesFor(count);
    int in = offset;
    for (long at = 0; at < end; at += type.blockBytes(), in += type.blockSize()) {
      switch (type) {
        case F32 -> dst.set(GgufReader.FLOAT, at, values[in]);
        case F16 -> dst.set(GgufReader.SHORT, at, Float.floatToFloat16(values[in]));
        case BF16 -> dst.set(GgufReader.SHORT, at, bfloat16(values[in]));
        case Q8_0 -> blockQ8Zero(values, in, dst, at);
        case Q4_0 -> blockQ4Zero(values, in, dst, at);
        default -> throw new AssertionError(type);
      }
    }
  }

  /** To the nearest, ties to even; a NaN stays one and becomes quiet. */
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The largest magnitude becomes 127; halves are rounded away from zero. */
  private static void blockQ8Zero(float[] values, int in, MemorySegment dst, long at) {
    float d = Math.abs(largest(values, in)) / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    dst.set(GgufReader.SHORT, at, scale(d));
    for (int i = 0; i < 32; i++) {
      float scaled = values[in + i] * inverse;
      byte q = (byte) (scaled + Math.copySign(0.5, scaled)); // in double: exact before the cut
      dst.set(ValueLayout.JAVA_BYTE, at + 2 + i, q);
    }
  }

  /** The value of the largest magnitude, whatever its sign, becomes -8. */
  private static void blockQ4Zero(float[] values, int in, MemorySegment dst, long at) {
    float d = largest(values, in) / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    dst.set(GgufReader.SHORT, at, scale(d));
    for (int i = 0; i < 16; i++) {
      int low = nibble(values[in + i] * inverse);
      int high = nibble(values[in + 16 + i] * inverse);
      dst.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (low | (high << 4)));
    }
  }

  private static int nibble(float scaled) {
    return Math.clamp((int) (scaled + 8.5f), 0, 15);
  }

  /** The first value of the largest magnitude in a block of 32. */
  private static float largest(float[] values, int in) {
    float largest = 0;
    for (int i = in; i < in + 32; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException("value " + i + " is " + values[i]);
      }
      if (Math.abs(values[i]) > Math.abs(largest)) {
        largest = values[i];
      }
    }
    return largest;
  }

  private static short scale(float d) {
    short half = Float.floatToFloat16(d);
    if (Float.isInfinite(Float.float16ToFloat(half))) {
      throw new IllegalArgumentException("a scale of " + d + " is too large for a half float");
    }
    return half;
  }
}
