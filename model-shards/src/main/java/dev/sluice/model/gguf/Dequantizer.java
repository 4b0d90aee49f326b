package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the bytes of each weight type stand for: plain scalar code, the oracle of the fast kernels.
 * Each weight is computed in single precision with the operations of ggml's reference routines in
 * their order, so the values are the same bit for bit. Stateless, for any thread.
 *
 * <p>Source: the block layouts in ggml's {@code ggml-common.h} and the {@code dequantize_row_*}
 * routines of {@code ggml-quants.c}. {@code d} is a block's scale, {@code m} its minimum, both half
 * floats; {@code q} is the small integer stored for a weight.
 */
public final class Dequantizer {

  /** The sixteen values that the 4-bit codes of the non-linear types stand for. */
  private static final int[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private Dequantizer() {}

  /**
   * Writes {@code count} weights, from {@code firstElement} on, to {@code dst} at {@code
   * dstOffset}.
   *
   * @param src the tensor's data from its first block on
   * @throws IllegalArgumentException if {@code firstElement} or {@code count} is no whole number of
   *     blocks
   * @throws IndexOutOfBoundsException if {@code src} or {@code dst} is too short
   */
  public static void dequantize(
      GgmlType type, MemorySegment src, long firstElement, float[] dst, int dstOffset, int count) {
    int blockSize = type.blockSize();
    long at = type.bytesFor(firstElement);
    long end = at + type.bytesFor(count);
    for (int out = dstOffset; at < end; at += type.blockBytes(), out += blockSize) {
      switch (type) {
        case F32 -> dst[out] = src.get(GgufReader.FLOAT, at);
        case F16 -> dst[out] = half(src, at);
        case BF16 -> dst[out] = Float.intBitsToFloat(src.get(GgufReader.SHORT, at) << 16);
        case Q4_0 -> blockQ4Zero(src, at, dst, out);
        case Q4_1 -> blockQ4One(src, at, dst, out);
        case Q5_0 -> blockQ5Zero(src, at, dst, out);
        case Q5_1 -> blockQ5One(src, at, dst, out);
        case Q8_0 -> blockQ8Zero(src, at, dst, out);
        case Q2_K -> blockQ2K(src, at, dst, out);
        case Q3_K -> blockQ3K(src, at, dst, out);
        case Q4_K -> blockQ4K(src, at, dst, out);
        case Q5_K -> blockQ5K(src, at, dst, out);
        case Q6_K -> blockQ6K(src, at, dst, out);
        case IQ4_NL -> nonLinear(src, at + 2, half(src, at), dst, out);
        case IQ4_XS -> blockIq4Xs(src, at, dst, out);
      }
    }
  }

  /** d, 16 bytes of q: the low nibbles are the first 16 weights, the high ones the rest. */
  private static void blockQ4Zero(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    for (int i = 0; i < 16; i++) {
      int q = unsigned(src, at + 2 + i);
      dst[out + i] = ((q & 0xF) - 8) * d;
      dst[out + 16 + i] = ((q >> 4) - 8) * d;
    }
  }

  /** d, m, 16 bytes of q as in Q4_0. */
  private static void blockQ4One(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    float m = half(src, at + 2);
    for (int i = 0; i < 16; i++) {
      int q = unsigned(src, at + 4 + i);
      dst[out + i] = (q & 0xF) * d + m;
      dst[out + 16 + i] = (q >> 4) * d + m;
    }
  }

  /** d, 32 fifth bits (bit i for weight i), 16 bytes of low nibbles as in Q4_0. */
  private static void blockQ5Zero(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    int high = src.get(GgufReader.INT, at + 2);
    for (int i = 0; i < 16; i++) {
      int q = unsigned(src, at + 6 + i);
      dst[out + i] = (((q & 0xF) | fifthBit(high, i)) - 16) * d;
      dst[out + 16 + i] = (((q >> 4) | fifthBit(high, 16 + i)) - 16) * d;
    }
  }

  /** d, m, fifth bits and low nibbles as in Q5_0. */
  private static void blockQ5One(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    float m = half(src, at + 2);
    int high = src.get(GgufReader.INT, at + 4);
    for (int i = 0; i < 16; i++) {
      int q = unsigned(src, at + 8 + i);
      dst[out + i] = ((q & 0xF) | fifthBit(high, i)) * d + m;
      dst[out + 16 + i] = ((q >> 4) | fifthBit(high, 16 + i)) * d + m;
    }
  }

  private static int fifthBit(int high, int i) {
    return ((high >>> i) & 1) << 4;
  }

  /** d, 32 signed bytes. */
  private static void blockQ8Zero(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    for (int i = 0; i < 32; i++) {
      dst[out + i] = signed(src, at + 2 + i) * d;
    }
  }

  /**
   * 16 bytes of scale (low nibble) and minimum (high nibble) for 16 weights each, 64 bytes of q, d,
   * m. Each 32 bytes of q hold 128 weights: bits 0-1 are the first 32, bits 2-3 the next, and so
   * on.
   */
  private static void blockQ2K(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at + 80);
    float m = half(src, at + 82);
    for (int i = 0; i < 256; i++) {
      int scaleAndMin = unsigned(src, at + i / 16);
      int q = bits(src, at + 16, i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2);
      dst[out + i] = d * (scaleAndMin & 0xF) * q - m * (scaleAndMin >> 4);
    }
  }

  /**
   * 32 bytes of third bits (bit b of byte j for weight 32 b + j; clear means minus 4), 64 bytes of
   * low bits as in Q2_K, 12 bytes of scales, d.
   */
  private static void blockQ3K(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at + 108);
    for (int i = 0; i < 256; i++) {
      float scale = d * (scaleQ3K(src, at + 96, i / 16) - 32);
      int low = bits(src, at + 32, i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2);
      int third = bits(src, at, i % 32, i / 32, 1);
      dst[out + i] = scale * (low - (third == 0 ? 4 : 0));
    }
  }

  /** Sixteen 6-bit scales in 12 bytes: low nibbles in bytes 0 to 7, high bit pairs in 8 to 11. */
  private static int scaleQ3K(MemorySegment src, long at, int index) {
    int low = bits(src, at, index % 8, index / 8 * 4, 4);
    int high = bits(src, at + 8, index % 4, index / 4 * 2, 2);
    return low | (high << 4);
  }

  /**
   * d, m, 12 bytes of scales and minimums for 32 weights each, 128 bytes of q. Each 32 bytes of q
   * hold 64 weights: the low nibbles are the first 32.
   */
  private static void blockQ4K(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    float m = half(src, at + 2);
    for (int i = 0; i < 256; i++) {
      int group = i / 32;
      int q = bits(src, at + 16, i / 64 * 32 + i % 32, group % 2 * 4, 4);
      dst[out + i] = d * scaleK(src, at + 4, group) * q - m * minimumK(src, at + 4, group);
    }
  }

  /** As Q4_K, with 32 bytes of fifth bits (bit g of byte j for weight 32 g + j) before q. */
  private static void blockQ5K(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    float m = half(src, at + 2);
    for (int i = 0; i < 256; i++) {
      int group = i / 32;
      int low = bits(src, at + 48, i / 64 * 32 + i % 32, group % 2 * 4, 4);
      int fifth = bits(src, at + 16, i % 32, group, 1);
      int q = low | (fifth << 4);
      dst[out + i] = d * scaleK(src, at + 4, group) * q - m * minimumK(src, at + 4, group);
    }
  }

  /**
   * Eight 6-bit scales and minimums in 12 bytes: those of groups 0 to 3 in the low 6 bits of bytes
   * 0 to 3 (scales) and 4 to 7 (minimums); those of groups 4 to 7 with their low nibbles in bytes 8
   * to 11 and their high bits in the top 2 bits of bytes 0 to 7.
   */
  private static int scaleK(MemorySegment src, long at, int group) {
    if (group < 4) {
      return bits(src, at, group, 0, 6);
    }
    return bits(src, at, 4 + group, 0, 4) | (bits(src, at, group - 4, 6, 2) << 4);
  }

  private static int minimumK(MemorySegment src, long at, int group) {
    if (group < 4) {
      return bits(src, at, 4 + group, 0, 6);
    }
    return bits(src, at, 4 + group, 4, 4) | (bits(src, at, group, 6, 2) << 4);
  }

  /**
   * 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales for 16 weights each, d.
   * Each half of 128 weights: 64 bytes of nibbles (low ones first), 32 bytes of pairs.
   */
  private static void blockQ6K(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at + 208);
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int inHalf = i % 128;
      int low = bits(src, at, half * 64 + inHalf % 64, inHalf / 64 * 4, 4);
      int high = bits(src, at + 128, half * 32 + inHalf % 32, inHalf / 32 * 2, 2);
      int q = (low | (high << 4)) - 32;
      dst[out + i] = d * signed(src, at + 192 + i / 16) * q;
    }
  }

  /** 16 bytes of nibbles as in Q4_0, each standing for one of {@link #NON_LINEAR}. */
  private static void nonLinear(MemorySegment src, long at, float d, float[] dst, int out) {
    for (int i = 0; i < 16; i++) {
      int q = unsigned(src, at + i);
      dst[out + i] = d * NON_LINEAR[q & 0xF];
      dst[out + 16 + i] = d * NON_LINEAR[q >> 4];
    }
  }

  /** d, 8 high bit pairs of scales, 8 low nibbles of scales, 8 groups of 32 weights as IQ4_NL. */
  private static void blockIq4Xs(MemorySegment src, long at, float[] dst, int out) {
    float d = half(src, at);
    int highs = Short.toUnsignedInt(src.get(GgufReader.SHORT, at + 2));
    for (int group = 0; group < 8; group++) {
      int low = bits(src, at + 4, group / 2, group % 2 * 4, 4);
      int high = (highs >> (group * 2)) & 3;
      float scale = d * ((low | (high << 4)) - 32);
      nonLinear(src, at + 8 + group * 16L, scale, dst, out + group * 32);
    }
  }

  /** {@code count} bits, from bit {@code shift} on, of the byte {@code index} behind {@code at}. */
  private static int bits(MemorySegment src, long at, int index, int shift, int count) {
    return (unsigned(src, at + index) >> shift) & ((1 << count) - 1);
  }

  private static float half(MemorySegment src, long at) {
    return Float.float16ToFloat(src.get(GgufReader.SHORT, at));
  }

  private static int unsigned(MemorySegment src, long at) {
    return Byte.toUnsignedInt(src.get(ValueLayout.JAVA_BYTE, at));
  }

  private static int signed(MemorySegment src, long at) {
    return src.get(ValueLayout.JAVA_BYTE, at);
  }
}
