package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.Lanes.F;
import static dev.sluice.model.kernel.Lanes.LENGTH;
import static dev.sluice.model.kernel.Lanes.ORDER;
import static dev.sluice.model.kernel.NativeMemory.ALL;
import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/**
 * Backward passes: from the gradient of what a function gave to the gradient of what it was given.
 * Lengths and offsets are in floats; {@code d} before a name is the gradient of the loss by it.
 */
public final class Gradients {
  private Gradients() {}

  /** What a root mean square norm multiplied the row by, apart from its weights. */
  public static float inverseRms(MemorySegment x, long xOffset, int n, float eps) {
    long lanes = Scratch.current().lanes();
    long from = NativeMemory.floats(x, xOffset, n);
    Sums.dot(from, from, n, lanes);
    return (float) (1 / Math.sqrt(Lanes.tree(lanes) / n + eps));
  }

  /**
   * Of a root mean square norm, by its input: {@code dx += r w dy - r³ / n sum(w dy x) x}.
   *
   * @param r what {@link #inverseRms} gave
   */
  public static void rmsNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      float r,
      MemorySegment dy,
      long dyOffset,
      MemorySegment dx,
      long dxOffset,
      int n) {
    long input = NativeMemory.floats(x, xOffset, n);
    long scale = NativeMemory.floats(weight, 0, n);
    long given = NativeMemory.floats(dy, dyOffset, n);
    long result = NativeMemory.floats(dx, dxOffset, n);
    Scratch scratch = Scratch.current();
    long weighted = scratch.rows(n);
    product(scale, given, weighted, n);
    Sums.dot(weighted, input, n, scratch.lanes());
    float back = -r * r * r / n * Lanes.tree(scratch.lanes());
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector sum = FloatVector.fromMemorySegment(F, ALL, result + at, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, weighted + at, ORDER);
      sum = v.fma(FloatVector.broadcast(F, r), sum);
      v = FloatVector.fromMemorySegment(F, ALL, input + at, ORDER);
      v.fma(FloatVector.broadcast(F, back), sum).intoMemorySegment(ALL, result + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      float sum = Math.fma(getFloat(weighted + at), r, getFloat(result + at));
      setFloat(result + at, Math.fma(getFloat(input + at), back, sum));
    }
  }

  private static void product(long a, long b, long c, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, a + at, ORDER);
      v.mul(FloatVector.fromMemorySegment(F, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, c + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(c + at, getFloat(a + at) * getFloat(b + at));
    }
  }

  /**
   * Of a root mean square norm, by its weights, in the columns of one block: {@code dw[j] += sum
   * over rows of r[row] x[row][j] dy[row][j]}, rows in rising order.
   *
   * @param x rows of {@code width} floats
   * @param r one float a row
   * @param dy as {@code x}
   * @param from first column
   * @param columns how many
   */
  public static void rmsNormWeight(
      MemorySegment x,
      MemorySegment r,
      MemorySegment dy,
      int rows,
      int width,
      MemorySegment dw,
      int from,
      int columns) {
    Objects.checkFromIndexSize(from, columns, width);
    long input = NativeMemory.floats(x, 0, (long) rows * width);
    long given = NativeMemory.floats(dy, 0, (long) rows * width);
    long factors = NativeMemory.floats(r, 0, rows);
    long result = NativeMemory.floats(dw, 0, width);
    int end = from + columns;
    int j = from;
    for (; j + LENGTH <= end; j += LENGTH) {
      FloatVector sum = FloatVector.fromMemorySegment(F, ALL, result + ((long) j << 2), ORDER);
      for (int row = 0; row < rows; row++) {
        long at = ((long) row * width + j) << 2;
        FloatVector v = FloatVector.fromMemorySegment(F, ALL, input + at, ORDER);
        v = v.mul(getFloat(factors + ((long) row << 2)));
        sum = v.fma(FloatVector.fromMemorySegment(F, ALL, given + at, ORDER), sum);
      }
      sum.intoMemorySegment(ALL, result + ((long) j << 2), ORDER);
    }
    for (; j < end; j++) {
      float sum = getFloat(result + ((long) j << 2));
      for (int row = 0; row < rows; row++) {
        long at = ((long) row * width + j) << 2;
        float v = getFloat(input + at) * getFloat(factors + ((long) row << 2));
        sum = Math.fma(v, getFloat(given + at), sum);
      }
      setFloat(result + ((long) j << 2), sum);
    }
  }

  /**
   * Of {@code y = silu(gate) * up}: {@code gate} and {@code up} become their own gradients, {@code
   * dy} becomes {@code y}.
   */
  public static void siluGate(
      MemorySegment gate, MemorySegment up, MemorySegment dy, long offset, int n) {
    long g = NativeMemory.floats(gate, offset, n);
    long u = NativeMemory.floats(up, offset, n);
    long d = NativeMemory.floats(dy, offset, n);
    long t = Scratch.current().exponents();
    for (int from = 0; from < n; from += Scratch.TEMPORARY) {
      int count = Math.min(Scratch.TEMPORARY, n - from);
      long at = (long) from << 2;
      Activations.negate(g + at, t, count);
      VectorMath.exp(t, t, count);
      siluGate(g + at, u + at, d + at, t, count);
    }
  }

  /** With {@code e = exp(-gate)}, {@code s = 1 / (1 + e)}: {@code silu' = s (1 + gate (1 - s))}. */
  private static void siluGate(long gate, long up, long dy, long e, int n) {
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector g = FloatVector.fromMemorySegment(F, ALL, gate + at, ORDER);
      FloatVector u = FloatVector.fromMemorySegment(F, ALL, up + at, ORDER);
      FloatVector d = FloatVector.fromMemorySegment(F, ALL, dy + at, ORDER);
      FloatVector one = FloatVector.broadcast(F, 1);
      FloatVector s = one.div(FloatVector.fromMemorySegment(F, ALL, e + at, ORDER).add(1));
      FloatVector silu = g.mul(s);
      FloatVector slope = g.mul(one.sub(s)).add(1).mul(s);
      silu.mul(u).intoMemorySegment(ALL, dy + at, ORDER);
      silu.mul(d).intoMemorySegment(ALL, up + at, ORDER);
      slope.mul(u).mul(d).intoMemorySegment(ALL, gate + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      float g = getFloat(gate + at);
      float u = getFloat(up + at);
      float d = getFloat(dy + at);
      float s = 1 / (getFloat(e + at) + 1);
      float silu = g * s;
      setFloat(dy + at, silu * u);
      setFloat(up + at, silu * d);
      setFloat(gate + at, (g * (1 - s) + 1) * s * u * d);
    }
  }

  /**
   * Of {@code y = geluTanh(x)}: {@code x} becomes its own gradient, {@code dy} becomes {@code y}.
   * In scalars.
   */
  public static void geluTanh(MemorySegment x, MemorySegment dy, long offset, int n) {
    long from = NativeMemory.floats(x, offset, n);
    long given = NativeMemory.floats(dy, offset, n);
    long t = Scratch.current().exponents();
    for (int start = 0; start < n; start += Scratch.TEMPORARY) {
      int count = Math.min(Scratch.TEMPORARY, n - start);
      long first = (long) start << 2;
      Activations.cubic(from + first, t, count);
      VectorMath.tanh(t, t, count);
      for (int i = 0; i < count; i++) {
        long at = first + ((long) i << 2);
        float v = getFloat(from + at);
        float tanh = getFloat(t + ((long) i << 2));
        float inner = Activations.ROOT_2_OVER_PI * (1 + 3 * Activations.CUBIC * v * v);
        float slope = 0.5f * (1 + tanh) + 0.5f * v * (1 - tanh * tanh) * inner;
        float d = getFloat(given + at);
        setFloat(given + at, v / 2 * (1 + tanh));
        setFloat(from + at, slope * d);
      }
    }
  }

  /**
   * Of softmax over scaled scores: {@code dp} becomes {@code p * (dp - sum(p dp)) * scale}.
   *
   * @param p the weights that softmax gave
   */
  public static void softmax(
      MemorySegment p, long pOffset, MemorySegment dp, long dpOffset, int n, float scale) {
    long weights = NativeMemory.floats(p, pOffset, n);
    long given = NativeMemory.floats(dp, dpOffset, n);
    long lanes = Scratch.current().lanes();
    Sums.dot(weights, given, n, lanes);
    float delta = Lanes.tree(lanes);
    int i = 0;
    for (int end = F.loopBound(n); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, given + at, ORDER).sub(delta);
      v.mul(FloatVector.fromMemorySegment(F, ALL, weights + at, ORDER))
          .mul(scale)
          .intoMemorySegment(ALL, given + at, ORDER);
    }
    for (; i < n; i++) {
      long at = (long) i << 2;
      setFloat(given + at, (getFloat(given + at) - delta) * getFloat(weights + at) * scale);
    }
  }

  /**
   * The loss of one row of logits, {@code -ln softmax(logits)[target]}; the logits become {@code
   * factor} times its gradient.
   */
  public static double crossEntropy(
      MemorySegment logits, long offset, int n, int target, float factor) {
    Objects.checkIndex(target, n);
    long x = NativeMemory.floats(logits, offset, n);
    long lanes = Scratch.current().lanes();
    long right = x + ((long) target << 2);
    float max = Softmax.max(x, n, lanes);
    double ahead = (double) max - getFloat(right);
    Softmax.subtract(x, n, max);
    VectorMath.exp(x, x, n);
    Sums.plain(x, n, lanes);
    float sum = Lanes.tree(lanes);
    Elementwise.scale(x, n, factor / sum);
    setFloat(right, getFloat(right) - factor);
    return StrictMath.log(sum) + ahead;
  }

  /**
   * One step of AdamW (Loshchilov and Hutter, 2019) on some parameters.
   *
   * @param g gradients
   * @param m first moments
   * @param v second moments
   * @param from first element
   * @param count how many
   * @param gradientScale what gradients are multiplied by first
   * @param rate learning rate over {@code 1 - beta1^step}
   * @param correction {@code 1 / (1 - beta2^step)}
   * @param keep {@code 1 - learning rate * decay}
   */
  public static void adamW(
      MemorySegment parameters,
      MemorySegment g,
      MemorySegment m,
      MemorySegment v,
      long from,
      int count,
      float gradientScale,
      float beta1,
      float beta2,
      float rate,
      float correction,
      float epsilon,
      float keep) {
    long p = NativeMemory.floats(parameters, from, count);
    long gradient = NativeMemory.floats(g, from, count);
    long first = NativeMemory.floats(m, from, count);
    long second = NativeMemory.floats(v, from, count);
    int i = 0;
    for (int end = F.loopBound(count); i < end; i += LENGTH) {
      long at = (long) i << 2;
      FloatVector d =
          FloatVector.fromMemorySegment(F, ALL, gradient + at, ORDER).mul(gradientScale);
      FloatVector mean = FloatVector.fromMemorySegment(F, ALL, first + at, ORDER).mul(beta1);
      mean = d.mul(1 - beta1).add(mean);
      mean.intoMemorySegment(ALL, first + at, ORDER);
      FloatVector square = FloatVector.fromMemorySegment(F, ALL, second + at, ORDER).mul(beta2);
      square = d.mul(d).mul(1 - beta2).add(square);
      square.intoMemorySegment(ALL, second + at, ORDER);
      FloatVector step = mean.mul(rate).div(square.mul(correction).sqrt().add(epsilon));
      FloatVector.fromMemorySegment(F, ALL, p + at, ORDER)
          .mul(keep)
          .sub(step)
          .intoMemorySegment(ALL, p + at, ORDER);
    }
    for (; i < count; i++) {
      long at = (long) i << 2;
      float d = getFloat(gradient + at) * gradientScale;
      float mean = d * (1 - beta1) + getFloat(first + at) * beta1;
      setFloat(first + at, mean);
      float square = d * d * (1 - beta2) + getFloat(second + at) * beta2;
      setFloat(second + at, square);
      float step = mean * rate / ((float) Math.sqrt(square * correction) + epsilon);
      setFloat(p + at, getFloat(p + at) * keep - step);
    }
  }

  /** {@code sum(x²)} of some numbers, in the package's order. */
  public static float sumOfSquares(MemorySegment x, long from, int count) {
    long at = NativeMemory.floats(x, from, count);
    long lanes = Scratch.current().lanes();
    Sums.dot(at, at, count, lanes);
    return Lanes.tree(lanes);
  }
}
