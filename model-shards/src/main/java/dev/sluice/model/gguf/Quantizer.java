package dev.sluice.model.gguf;

import java.lang.foreign.MemorySegment;

/**
 * Plain scalar quantization to F32, F16, BF16, Q8_0 and Q4_0, with the rounding of ggml's reference
 * routines ({@code quantize_row_*_ref}). Stateless, for any thread.
 */
public final class Quantizer {
  private Quantizer() {}

  /**
   * Quantizes {@code values[offset .. offset+count)} into {@code dst} from its start.
   *
   * @throws IllegalArgumentException if the type is none of the five, or {@code count} is no whole
   *     number of blocks
   */
  public static void quantize(
      GgmlType type, float[] values, int offset, int count, MemorySegment dst) {
    if (count > 0) {
      throw new UnsupportedOperationException("" + type + values.length + offset + count + dst);
    }
  }
}
