package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;

/** The stable softmax: the maximum is taken off before the exponential. */
public final class Softmax {
  private Softmax() {}

  /**
   * {@code x[i] = exp(x[i] - max) / sum} in place, {@code n} at least 1. The sum is in the
   * package's order. A NaN anywhere makes all of it NaN.
   */
  public static void softmax(MemorySegment x, long xOffset, int n) {
    softmax(NativeMemory.floats(x, xOffset, n), n);
  }

  static void softmax(long x, int n) {
    float max = max(x, n);
    for (int i = 0; i < n; i++) {
      long at = x + ((long) i << 2);
      setFloat(at, getFloat(at) - max);
    }
    VectorMath.exp(x, x, n);
    long lanes = Scratch.current().lanes();
    Sums.plain(x, n, lanes);
    Elementwise.scale(x, n, 1 / Lanes.tree(lanes));
  }

  private static float max(long x, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, getFloat(x + ((long) i << 2)));
    }
    return max;
  }
}
