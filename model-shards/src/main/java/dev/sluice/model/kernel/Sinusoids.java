package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/** The fixed position vectors of the first transformer (Vaswani et al., 2017). */
public final class Sinusoids {
  private static final double BASE = 10_000;

  private Sinusoids() {}

  /**
   * Writes the vector of a position: element {@code 2i} is {@code sin(p / 10000^(2i/n))}, element
   * {@code 2i + 1} the cosine; computed in double by {@link StrictMath}, rounded once.
   */
  public static void write(long position, MemorySegment target, long offset, int n) {
    long at = NativeMemory.floats(target, offset, n);
    for (int i = 0; i < n; i++) {
      double angle = position / StrictMath.pow(BASE, (double) (i & ~1) / n);
      double value = (i & 1) == 0 ? StrictMath.sin(angle) : StrictMath.cos(angle);
      NativeMemory.setFloat(at + ((long) i << 2), (float) value);
    }
  }
}
