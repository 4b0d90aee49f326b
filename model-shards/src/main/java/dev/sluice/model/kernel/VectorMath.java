package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;

/**
 * Exponentials of whole vectors, by the project's own polynomials: the same bits on every machine,
 * for every vector length and for elements of the tail. The result may lie where the operand lies.
 */
public final class VectorMath {
  private VectorMath() {}

  /** {@code y[i] = exp(x[i])}; overflows to infinity, underflows to 0 through subnormals. */
  public static void exp(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    exp(NativeMemory.floats(x, xOffset, n), NativeMemory.floats(y, yOffset, n), n);
  }

  /** {@code y[i] = tanh(x[i])}. */
  public static void tanh(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    tanh(NativeMemory.floats(x, xOffset, n), NativeMemory.floats(y, yOffset, n), n);
  }

  static void exp(long x, long y, int n) {
    for (int i = 0; i < n; i++) {
      setFloat(y + ((long) i << 2), (float) StrictMath.exp(getFloat(x + ((long) i << 2))));
    }
  }

  static void tanh(long x, long y, int n) {
    for (int i = 0; i < n; i++) {
      setFloat(y + ((long) i << 2), (float) StrictMath.tanh(getFloat(x + ((long) i << 2))));
    }
  }
}
