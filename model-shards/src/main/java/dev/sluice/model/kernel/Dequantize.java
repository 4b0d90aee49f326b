package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getHalf;

import dev.sluice.model.gguf.GgmlType;

/**
 * From quantized weights to the floats that they stand for, block by block: the bits of {@link
 * dev.sluice.model.gguf.Dequantizer}, which says what each byte of a block means. Addresses are
 * unchecked.
 */
final class Dequantize {
  private static final int SMALL = 32;
  private static final long STEP = (long) Unpack.COUNT * Float.BYTES;

  private Dequantize() {}

  /** Writes {@code n} floats; {@code n} is a number of whole blocks. */
  static void run(GgmlType type, long source, long target, int n) {
    switch (type) {
      case F32 -> HalfFloats.store(source, target, n, false);
      case F16 -> HalfFloats.widen(source, target, n);
      case BF16 -> HalfFloats.widenBrain(source, target, n);
      case Q4_0 -> q40(source, target, n);
      case Q4_1 -> q41(source, target, n);
      case Q5_0 -> q50(source, target, n);
      case Q5_1 -> q51(source, target, n);
      case Q8_0 -> q80(source, target, n);
      case IQ4_NL -> iq4nl(source, target, n);
      case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS -> LargeBlocks.run(type, source, target, n);
    }
  }

  private static void q80(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 34L;
      float scale = getHalf(block);
      Unpack.bytes(block + 2, scale, to);
      Unpack.bytes(block + 18, scale, to + STEP);
      to += 2 * STEP;
    }
  }

  private static void q40(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 18L;
      float scale = getHalf(block);
      Unpack.bits(block + 2, 0, 15, 8, scale, 0, to);
      Unpack.bits(block + 2, 4, 15, 8, scale, 0, to + STEP);
      to += 2 * STEP;
    }
  }

  private static void q41(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 20L;
      float scale = getHalf(block);
      float min = -getHalf(block + 2);
      Unpack.bits(block + 4, 0, 15, 0, scale, min, to);
      Unpack.bits(block + 4, 4, 15, 0, scale, min, to + STEP);
      to += 2 * STEP;
    }
  }

  private static void q50(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 22L;
      float scale = getHalf(block);
      int fifth = NativeMemory.getInt(block + 2);
      Unpack.bitsAndFifth(block + 6, 0, fifth, 16, scale, 0, to);
      Unpack.bitsAndFifth(block + 6, 4, fifth >>> 16, 16, scale, 0, to + STEP);
      to += 2 * STEP;
    }
  }

  private static void q51(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 24L;
      float scale = getHalf(block);
      float min = -getHalf(block + 2);
      int fifth = NativeMemory.getInt(block + 4);
      Unpack.bitsAndFifth(block + 8, 0, fifth, 0, scale, min, to);
      Unpack.bitsAndFifth(block + 8, 4, fifth >>> 16, 0, scale, min, to + STEP);
      to += 2 * STEP;
    }
  }

  private static void iq4nl(long source, long target, int n) {
    long to = target;
    for (int i = 0; i < n / SMALL; i++) {
      long block = source + i * 18L;
      float scale = getHalf(block);
      Unpack.nonLinear(block + 2, 0, scale, to);
      Unpack.nonLinear(block + 2, 4, scale, to + STEP);
      to += 2 * STEP;
    }
  }
}
