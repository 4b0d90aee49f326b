package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.ALL;

import java.lang.foreign.MemorySegment;

/** Between half and single precision. */
final class HalfFloats {
  private HalfFloats() {}

  /** Copies floats, as they are or rounded to half precision. */
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

  /** Widens half-precision numbers. */
  static void widen(long from, long to, int n) {
    for (int i = 0; i < n; i++) {
      NativeMemory.setFloat(to + ((long) i << 2), NativeMemory.getHalf(from + ((long) i << 1)));
    }
  }
}
