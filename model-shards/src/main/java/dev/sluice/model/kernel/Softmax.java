package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

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
    long lanes = Scratch.current().lanes();
    subtract(x, n, max(x, n, lanes));
    VectorMath.exp(x, x, n);
    Sums.plain(x, n, lanes);
    Elementwise.scale(x, n, 1 / Lanes.tree(lanes));
  }

  /** The largest element; NaN if there is one. The order does not matter to it. */
  static float max(long x, int n, long lanes) {
    FloatVector most = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      most = most.max(FloatVector.fromMemorySegment(F, ALL, x + ((long) i << 2), ORDER));
    }
    most.intoMemorySegment(ALL, lanes, ORDER);
    float max = getFloat(lanes);
    for (int lane = 1; lane < LENGTH; lane++) {
      max = Math.max(max, getFloat(lanes + ((long) lane << 2)));
    }
    for (; i < n; i++) {
      max = Math.max(max, getFloat(x + ((long) i << 2)));
    }
    return max;
  }

  static void subtract(long x, int n, float value) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = x + ((long) i << 2);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, at, ORDER);
      v.sub(value).intoMemorySegment(ALL, at, ORDER);
    }
    for (; i < n; i++) {
      long at = x + ((long) i << 2);
      setFloat(at, getFloat(at) - value);
    }
  }
}
