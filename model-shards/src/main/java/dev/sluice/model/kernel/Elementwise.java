package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** What is done to each element by itself. The result may lie where an operand lies. */
public final class Elementwise {
  private Elementwise() {}

  /** {@code y[i] += x[i]}: residuals, biases, position vectors. */
  public static void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    add(NativeMemory.floats(x, xOffset, n), NativeMemory.floats(y, yOffset, n), n);
  }

  static void add(long a, long b, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector left = FloatVector.fromMemorySegment(F, ALL, b + at, ORDER);
      left.add(FloatVector.fromMemorySegment(F, ALL, a + at, ORDER))
          .intoMemorySegment(ALL, b + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(b + at, getFloat(b + at) + getFloat(a + at));
    }
  }

  /** {@code y[i] *= x[i]}. */
  public static void multiply(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    long b = NativeMemory.floats(y, yOffset, n);
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector left = FloatVector.fromMemorySegment(F, ALL, b + at, ORDER);
      left.mul(FloatVector.fromMemorySegment(F, ALL, a + at, ORDER))
          .intoMemorySegment(ALL, b + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(b + at, getFloat(b + at) * getFloat(a + at));
    }
  }

  /** {@code x[i] *= factor}. */
  public static void scale(MemorySegment x, long xOffset, int n, float factor) {
    scale(NativeMemory.floats(x, xOffset, n), n, factor);
  }

  static void scale(long a, int n, float factor) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = a + ((long) i << 2);
      FloatVector.fromMemorySegment(F, ALL, at, ORDER)
          .mul(factor)
          .intoMemorySegment(ALL, at, ORDER);
    }
    for (; i < n; i++) {
      long at = a + ((long) i << 2);
      setFloat(at, getFloat(at) * factor);
    }
  }

  /** {@code x[i] = cap * tanh(x[i] / cap)}: soft-capping of logits (Gemma 2). */
  public static void softCap(MemorySegment x, long xOffset, int n, float cap) {
    softCap(NativeMemory.floats(x, xOffset, n), n, cap);
  }

  static void softCap(long a, int n, float cap) {
    scale(a, n, 1 / cap);
    VectorMath.tanh(a, a, n);
    scale(a, n, cap);
  }

  /** Copies {@code n} floats; the ranges do not overlap. */
  public static void copy(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    NativeMemory.floats(x, xOffset, n);
    NativeMemory.floats(y, yOffset, n);
    MemorySegment.copy(x, xOffset << 2, y, yOffset << 2, (long) n << 2);
  }

  /** Whether no element is infinite or NaN. */
  public static boolean allFinite(MemorySegment x, long xOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    // 0 * x is 0 for what is finite and NaN for the rest, and NaN stays in a sum.
    FloatVector sum = FloatVector.zero(F);
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, a + ((long) i << 2), ORDER);
      sum = v.mul(0f).add(sum);
    }
    float rest = 0;
    for (; i < n; i++) {
      rest += getFloat(a + ((long) i << 2)) * 0f;
    }
    long lanes = Scratch.current().lanes();
    sum.intoMemorySegment(ALL, lanes, ORDER);
    for (int lane = 0; lane < LENGTH; lane++) {
      rest += getFloat(lanes + ((long) lane << 2));
    }
    return rest == 0;
  }
}
