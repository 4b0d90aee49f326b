package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;

/**
 * The non-linear functions of feed-forward layers, plain and as gates. All work in place on {@code
 * x}; a gate's second operand {@code up} is multiplied in: {@code x[i] = f(x[i]) * up[i]}.
 */
public final class Activations {
  private Activations() {}

  /** {@code x / (1 + exp(-x))}. */
  public static void silu(MemorySegment x, long xOffset, int n) {
    long a = NativeMemory.floats(x, xOffset, n);
    for (int i = 0; i < n; i++) {
      long at = a + ((long) i << 2);
      float v = getFloat(at);
      setFloat(at, v / (1 + (float) StrictMath.exp(-v)));
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
    for (int i = 0; i < n; i++) {
      long at = a + ((long) i << 2);
      double v = getFloat(at);
      double t = StrictMath.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v));
      setFloat(at, (float) (v / 2 * (1 + t)));
    }
  }

  /** {@link #geluTanh} of the gate, times {@code up}. */
  public static void geluTanhGate(
      MemorySegment x, long xOffset, MemorySegment up, long upOffset, int n) {
    geluTanh(x, xOffset, n);
    Elementwise.multiply(up, upOffset, x, xOffset, n);
  }
}
