package dev.sluice.model.gguf;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Plain scalar quantization: to F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 with the rounding
 * of ggml's reference routines ({@code quantize_row_*_ref} in {@code ggml-quants.c}), to Q4_K, Q5_K
 * and Q6_K by a search of our own. Stateless, for any thread; the same values give the same bytes.
 */
public final class Quantizer {
  private Quantizer() {}

  /** Whether {@link #quantize} can write this type. */
  public static boolean supports(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K -> true;
      case Q2_K, Q3_K, IQ4_NL, IQ4_XS -> false;
    };
  }

  /**
   * Quantizes {@code values[offset .. offset+count)} into {@code dst} from its start.
   *
   * @throws IllegalArgumentException if {@link #supports} denies the type, if {@code count} is no
   *     whole number of blocks, or if a value is not finite or too large for the block's scale (not
   *     F32, F16, BF16: these store it as it is)
   */
  public static void quantize(
      GgmlType type, float[] values, int offset, int count, MemorySegment dst) {
    if (!supports(type)) {
      throw new IllegalArgumentException("quantizing to " + type + " is not supported");
    }
    long end = type.bytesFor(count);
    int in = offset;
    KBlocks superBlocks = type.blockSize() == KBlocks.SIZE ? new KBlocks() : null;
    for (long at = 0; at < end; at += type.blockBytes(), in += type.blockSize()) {
      switch (type) {
        case F32 -> dst.set(GgufReader.FLOAT, at, values[in]);
        case F16 -> dst.set(GgufReader.SHORT, at, Float.floatToFloat16(values[in]));
        case BF16 -> dst.set(GgufReader.SHORT, at, bfloat16(values[in]));
        case Q8_0 -> blockQ8Zero(values, in, dst, at);
        case Q4_0 -> blockQ4Zero(values, in, dst, at);
        case Q4_1 -> blockQ4One(values, in, dst, at);
        case Q5_0 -> blockQ5Zero(values, in, dst, at);
        case Q5_1 -> blockQ5One(values, in, dst, at);
        case Q4_K, Q5_K, Q6_K -> requireNonNull(superBlocks).quantize(type, values, in, dst, at);
        case Q2_K, Q3_K, IQ4_NL, IQ4_XS -> throw new AssertionError(type);
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
    float inverse = inverse(d);
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
    float inverse = inverse(d);
    dst.set(GgufReader.SHORT, at, scale(d));
    for (int i = 0; i < 16; i++) {
      int low = level(values[in + i] * inverse + 8.5f, 15);
      int high = level(values[in + 16 + i] * inverse + 8.5f, 15);
      dst.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (low | (high << 4)));
    }
  }

  /** The smallest value becomes 0, the largest 15. */
  private static void blockQ4One(float[] values, int in, MemorySegment dst, long at) {
    float least = least(values, in);
    float d = (largestOf(values, in) - least) / 15;
    float inverse = inverse(d);
    dst.set(GgufReader.SHORT, at, scale(d));
    dst.set(GgufReader.SHORT, at + 2, scale(least));
    for (int i = 0; i < 16; i++) {
      int low = level((values[in + i] - least) * inverse + 0.5f, 15);
      int high = level((values[in + 16 + i] - least) * inverse + 0.5f, 15);
      dst.set(ValueLayout.JAVA_BYTE, at + 4 + i, (byte) (low | (high << 4)));
    }
  }

  /** The value of the largest magnitude, whatever its sign, becomes -16. */
  private static void blockQ5Zero(float[] values, int in, MemorySegment dst, long at) {
    float d = largest(values, in) / -16;
    float inverse = inverse(d);
    dst.set(GgufReader.SHORT, at, scale(d));
    int fifths = 0;
    for (int i = 0; i < 16; i++) {
      int low = level(values[in + i] * inverse + 16.5f, 31);
      int high = level(values[in + 16 + i] * inverse + 16.5f, 31);
      fifths |= (low >> 4 << i) | (high >> 4 << (16 + i));
      dst.set(ValueLayout.JAVA_BYTE, at + 6 + i, (byte) ((low & 0xF) | (high << 4)));
    }
    dst.set(GgufReader.INT, at + 2, fifths);
  }

  /** The smallest value becomes 0, the largest 31. */
  private static void blockQ5One(float[] values, int in, MemorySegment dst, long at) {
    float least = least(values, in);
    float d = (largestOf(values, in) - least) / 31;
    float inverse = inverse(d);
    dst.set(GgufReader.SHORT, at, scale(d));
    dst.set(GgufReader.SHORT, at + 2, scale(least));
    int fifths = 0;
    for (int i = 0; i < 16; i++) {
      int low = level((values[in + i] - least) * inverse + 0.5f, 31);
      int high = level((values[in + 16 + i] - least) * inverse + 0.5f, 31);
      fifths |= (low >> 4 << i) | (high >> 4 << (16 + i));
      dst.set(ValueLayout.JAVA_BYTE, at + 8 + i, (byte) ((low & 0xF) | (high << 4)));
    }
    dst.set(GgufReader.INT, at + 4, fifths);
  }

  private static float inverse(float d) {
    return d == 0 ? 0 : 1 / d;
  }

  /** Cuts the fraction off. */
  private static int level(float scaled, int top) {
    return Math.clamp((int) scaled, 0, top);
  }

  private static float least(float[] values, int in) {
    float least = values[in];
    for (int i = in; i < in + 32; i++) {
      least = Math.min(least, finite(values, i));
    }
    return least;
  }

  private static float largestOf(float[] values, int in) {
    float most = values[in];
    for (int i = in; i < in + 32; i++) {
      most = Math.max(most, values[i]);
    }
    return most;
  }

  private static float finite(float[] values, int i) {
    if (!Float.isFinite(values[i])) {
      throw new IllegalArgumentException("value " + i + " is " + values[i]);
    }
    return values[i];
  }

  /** The first value of the largest magnitude in a block of 32. */
  private static float largest(float[] values, int in) {
    float largest = 0;
    for (int i = in; i < in + 32; i++) {
      if (Math.abs(finite(values, i)) > Math.abs(largest)) {
        largest = values[i];
      }
    }
    return largest;
  }

  /** A factor as a half float. */
  static short scale(float d) {
    short half = Float.floatToFloat16(d);
    if (Float.isInfinite(Float.float16ToFloat(half))) {
      throw new IllegalArgumentException("a scale of " + d + " is too large for a half float");
    }
    return half;
  }
}
