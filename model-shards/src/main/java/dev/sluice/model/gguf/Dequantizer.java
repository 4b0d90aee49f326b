package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;

/**
 * What the bytes of each weight type stand for: plain scalar code, exact, the oracle of the fast
 * kernels. Stateless, for any thread.
 */
public final class Dequantizer {
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
    if (count > 0) {
      throw new UnsupportedOperationException(
          "" + type + src + firstElement + dst.length + dstOffset + count);
    }
  }
}
