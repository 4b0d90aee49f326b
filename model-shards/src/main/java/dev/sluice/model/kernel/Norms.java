package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation of rows. Weights and biases are {@code n} floats from the start of their segments.
 * The result may lie where the row lies.
 */
public final class Norms {
  private Norms() {}

  /**
   * Root mean square norm (Zhang and Sennrich, 2019): {@code y = x / sqrt(mean(x²) + eps) *
   * weight}.
   *
   * @param weight null stands for ones
   */
  public static void rmsNorm(
      MemorySegment x,
      long xOffset,
      @Nullable MemorySegment weight,
      float eps,
      MemorySegment y,
      long yOffset,
      int n) {
    long from = NativeMemory.floats(x, xOffset, n);
    long to = NativeMemory.floats(y, yOffset, n);
    rmsNorm(from, weight == null ? 0 : NativeMemory.floats(weight, 0, n), eps, to, n);
  }

  /**
   * {@link #rmsNorm} in place of each of {@code heads} neighbouring vectors of {@code headDim}
   * floats, all with the same weight (query and key norms).
   */
  public static void rmsNormHeads(
      MemorySegment x,
      long xOffset,
      int heads,
      int headDim,
      @Nullable MemorySegment weight,
      float eps) {
    long from = NativeMemory.floats(x, xOffset, (long) heads * headDim);
    long scale = weight == null ? 0 : NativeMemory.floats(weight, 0, headDim);
    for (int head = 0; head < heads; head++) {
      long at = from + (((long) head * headDim) << 2);
      rmsNorm(at, scale, eps, at, headDim);
    }
  }

  /**
   * Layer norm (Ba et al., 2016): {@code y = (x - mean) / sqrt(variance + eps) * weight + bias}.
   *
   * @param bias null stands for zeros
   */
  public static void layerNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      @Nullable MemorySegment bias,
      float eps,
      MemorySegment y,
      long yOffset,
      int n) {
    long from = NativeMemory.floats(x, xOffset, n);
    long to = NativeMemory.floats(y, yOffset, n);
    long scale = NativeMemory.floats(weight, 0, n);
    long shift = bias == null ? 0 : NativeMemory.floats(bias, 0, n);
    long lanes = Scratch.current().lanes();
    Sums.plain(from, n, lanes);
    float mean = Lanes.tree(lanes) / n;
    center(from, mean, to, n);
    Sums.dot(to, to, n, lanes);
    float factor = inverseRoot(Lanes.tree(lanes) / n, eps);
    scale(to, factor, scale, to, n);
    if (shift != 0) {
      Elementwise.add(shift, to, n);
    }
  }

  private static void rmsNorm(long x, long weight, float eps, long y, int n) {
    long lanes = Scratch.current().lanes();
    Sums.dot(x, x, n, lanes);
    scale(x, inverseRoot(Lanes.tree(lanes) / n, eps), weight, y, n);
  }

  private static void center(long x, float mean, long y, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER);
      v.sub(mean).intoMemorySegment(ALL, y + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(y + at, getFloat(x + at) - mean);
    }
  }

  /** {@code y = x * factor * weight}; no weight where its address is 0. */
  private static void scale(long x, float factor, long weight, long y, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, x + at, ORDER).mul(factor);
      if (weight != 0) {
        v = v.mul(FloatVector.fromMemorySegment(F, ALL, weight + at, ORDER));
      }
      v.intoMemorySegment(ALL, y + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      float v = getFloat(x + at) * factor;
      setFloat(y + at, weight == 0 ? v : v * getFloat(weight + at));
    }
  }

  private static float inverseRoot(float meanSquare, float eps) {
    return (float) (1 / Math.sqrt(meanSquare + eps));
  }
}
