package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getByte;
import static dev.sluice.model.kernel.NativeMemory.getHalf;
import static dev.sluice.model.kernel.NativeMemory.getUnsignedByte;

import dev.sluice.model.gguf.GgmlType;

/** {@link Dequantize} for the types with blocks of 256 weights. */
final class LargeBlocks {
  private static final int SIZE = 256;
  private static final long STEP = (long) Unpack.COUNT * Float.BYTES;

  private LargeBlocks() {}

  /** Writes {@code n} floats; {@code n} is a multiple of 256. */
  static void run(GgmlType type, long source, long target, int n) {
    long bytes = type.blockBytes();
    for (int i = 0; i < n / SIZE; i++) {
      long block = source + i * bytes;
      long to = target + (long) i * SIZE * Float.BYTES;
      switch (type) {
        case Q2_K -> q2k(block, to);
        case Q3_K -> q3k(block, to);
        case Q4_K -> q4k(block, to);
        case Q5_K -> q5k(block, to);
        case Q6_K -> q6k(block, to);
        case IQ4_XS -> iq4xs(block, to);
        case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL ->
            throw new IllegalArgumentException(type + " has no blocks of " + SIZE);
      }
    }
  }

  /** 16 scales and mins of 4 bits; 2-bit quants; d and dmin at the end. */
  private static void q2k(long block, long target) {
    float d = getHalf(block + 80);
    float dmin = getHalf(block + 82);
    for (int g = 0; g < 16; g++) {
      int packed = getUnsignedByte(block + g);
      long quants = block + 16 + 32L * (g >> 3) + 16L * (g & 1);
      float scale = d * (packed & 15);
      float min = dmin * (packed >> 4);
      Unpack.bits(quants, ((g >> 1) & 3) * 2, 3, 0, scale, min, target + g * STEP);
    }
  }

  /** High bits (one means 0, zero means -4), 2-bit quants, 16 scales of 6 bits, d. */
  private static void q3k(long block, long target) {
    float d = getHalf(block + 108);
    for (int g = 0; g < 16; g++) {
      int low = getUnsignedByte(block + 96 + (g & 7)) >> (4 * (g >> 3)) & 15;
      int high = getUnsignedByte(block + 104 + (g & 3)) >> (2 * (g >> 2)) & 3;
      float scale = d * ((low | (high << 4)) - 32);
      long quants = block + 32 + 32L * (g >> 3) + 16L * (g & 1);
      long mask = block + 16L * (g & 1);
      Unpack.threeBits(quants, ((g >> 1) & 3) * 2, mask, g >> 1, scale, target + g * STEP);
    }
  }

  /** d and dmin, 8 scales and 8 mins of 6 bits, 4-bit quants. */
  private static void q4k(long block, long target) {
    float d = getHalf(block);
    float dmin = getHalf(block + 2);
    for (int g = 0; g < 8; g++) {
      float scale = d * scaleOf(block + 4, g);
      float min = dmin * minOf(block + 4, g);
      long quants = block + 16 + 32L * (g >> 1);
      long to = target + 2L * g * STEP;
      Unpack.bits(quants, (g & 1) * 4, 15, 0, scale, min, to);
      Unpack.bits(quants + 16, (g & 1) * 4, 15, 0, scale, min, to + STEP);
    }
  }

  /** As Q4_K, with a fifth bit of each quant before the others. */
  private static void q5k(long block, long target) {
    float d = getHalf(block);
    float dmin = getHalf(block + 2);
    for (int g = 0; g < 8; g++) {
      float scale = d * scaleOf(block + 4, g);
      float min = dmin * minOf(block + 4, g);
      long quants = block + 48 + 32L * (g >> 1);
      long high = block + 16;
      long to = target + 2L * g * STEP;
      Unpack.bitsAndHigh(quants, (g & 1) * 4, high, g, 1, 0, scale, min, to);
      Unpack.bitsAndHigh(quants + 16, (g & 1) * 4, high + 16, g, 1, 0, scale, min, to + STEP);
    }
  }

  /** 4 low bits, 2 high bits, 16 signed 8-bit scales, d. */
  private static void q6k(long block, long target) {
    float d = getHalf(block + 208);
    for (int g = 0; g < 16; g++) {
      float scale = d * getByte(block + 192 + g);
      int part = (g >> 1) & 3;
      long quants = block + 64L * (g >> 3) + 32L * (part & 1) + 16L * (g & 1);
      long high = block + 128 + 32L * (g >> 3) + 16L * (g & 1);
      Unpack.bitsAndHigh(
          quants, (part >> 1) * 4, high, part * 2, 3, 32, scale, 0, target + g * STEP);
    }
  }

  /** d, 8 scales of 6 bits (high halves first), 4-bit indices of non-linear values. */
  private static void iq4xs(long block, long target) {
    float d = getHalf(block);
    int high = NativeMemory.getUnsignedShort(block + 2);
    for (int g = 0; g < 8; g++) {
      int low = getUnsignedByte(block + 4 + (g >> 1)) >> (4 * (g & 1)) & 15;
      float scale = d * ((low | (((high >> (2 * g)) & 3) << 4)) - 32);
      long quants = block + 8 + 16L * g;
      long to = target + 2L * g * STEP;
      Unpack.nonLinear(quants, 0, scale, to);
      Unpack.nonLinear(quants, 4, scale, to + STEP);
    }
  }

  /** The 6-bit scale of a group of 32: the first four in one byte, the others in two. */
  private static int scaleOf(long scales, int group) {
    return group < 4
        ? getByte(scales + group) & 63
        : (getByte(scales + group + 4) & 15) | ((getUnsignedByte(scales + group - 4) >> 6) << 4);
  }

  private static int minOf(long scales, int group) {
    return group < 4
        ? getByte(scales + group + 4) & 63
        : (getUnsignedByte(scales + group + 4) >> 4)
            | ((getUnsignedByte(scales + group) >> 6) << 4);
  }
}
