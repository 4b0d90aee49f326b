package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The non-linear functions of feed-forward layers, plain and as gates. All work in place on {@code
 * x}; a gate's second operand {@code up} is multiplied in: {@code x[i] = f(x[i]) * up[i]}.
 */
public final class Activations {
  static final float CUBIC = 0.044715f;
  static final float ROOT_2_OVER_PI = 0.7978846f;

  private Activations() {}

  /** {@code x / (1 + exp(-x))}. */
  public static void silu(MemorySegment x, long xOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    long t = Scratch.current().exponents();
    for (int from = 0; from < n; from += Scratch.TEMPORARY) {
      int count = Math.min(Scratch.TEMPORARY, n - from);
      long at = a + ((long) from << 2);
      negate(at, t, count);
      VectorMath.exp(t, t, count);
      overOnePlus(at, t, count);
    }
  }

  /** {@link #silu} of the gate, times {@code up}. */
  public static void siluGate(
      MemorySegment x, long xOffset, MemorySegment up, long upOffset, int n) {
    silu(x, xOffset, n);
    Elementwise.multiply(up, upOffset, x, xOffset, n);
  }

  /** {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x³)))}. */
  public static void geluTanh(MemorySegment x, long xOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    long t = Scratch.current().exponents();
    for (int from = 0; from < n; from += Scratch.TEMPORARY) {
      int count = Math.min(Scratch.TEMPORARY, n - from);
      long at = a + ((long) from << 2);
      cubic(at, t, count);
      VectorMath.tanh(t, t, count);
      halfTimesOnePlus(at, t, count);
    }
  }

  /** {@link #geluTanh} of the gate, times {@code up}. */
  public static void geluTanhGate(
      MemorySegment x, long xOffset, MemorySegment up, long upOffset, int n) {
    geluTanh(x, xOffset, n);
    Elementwise.multiply(up, upOffset, x, xOffset, n);
  }

  /** The exact GELU, {@code x / 2 * (1 + erf(x / sqrt(2)))}, computed in double. */
  public static void geluErf(MemorySegment x, long xOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    for (int i = 0; i < n; i++) {
      long at = a + ((long) i << 2);
      double v = getFloat(at);
      setFloat(at, (float) (v / 2 * (1 + VectorMath.erf(v * Math.sqrt(0.5)))));
    }
  }

  /** {@code t = -x}. */
  static void negate(long x, long t, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      v.neg().intoMemorySegment(ALL, t + at, ORDER);
    }
    for (; i < n; i++) {
      setFloat(t + ((long) i << 2), -getFloat(x + ((long) i << 2)));
    }
  }

  /** {@code x = x / (1 + t)}. */
  private static void overOnePlus(long x, long t, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      v.div(FloatVector.fromMemorySegment(F, ALL, t + at, ORDER).add(1))
          .intoMemorySegment(ALL, x + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(x + at, getFloat(x + at) / (getFloat(t + at) + 1));
    }
  }

  /** {@code t = sqrt(2 / pi) * (x + 0.044715 x³)}. */
  static void cubic(long x, long t, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      v.mul(v).mul(CUBIC).add(1).mul(v).mul(ROOT_2_OVER_PI).intoMemorySegment(ALL, t + at, ORDER);
    }
    for (; i < n; i++) {
      float v = getFloat(x + ((long) i << 2));
      setFloat(t + ((long) i << 2), (v * v * CUBIC + 1) * v * ROOT_2_OVER_PI);
    }
  }

  /** {@code x = x / 2 * (1 + t)}. */
  private static void halfTimesOnePlus(long x, long t, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER).mul(0.5f);
      v.mul(FloatVector.fromMemorySegment(F, ALL, t + at, ORDER).add(1))
          .intoMemorySegment(ALL, x + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(x + at, getFloat(x + at) * 0.5f * (getFloat(t + at) + 1));
    }
  }
}
