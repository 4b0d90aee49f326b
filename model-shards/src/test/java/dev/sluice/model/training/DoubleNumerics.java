package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The plain formulas in double precision: what finite differences are taken of. */
final class DoubleNumerics implements Numerics {
  private final int headLength;
  private final double ropeBase;

  DoubleNumerics(ModelShape shape) {
    headLength = shape.headLength();
    ropeBase = shape.ropeBase();
  }

  @Override
  public MemorySegment allocate(Arena arena, long count) {
    return arena.allocate(count * Double.BYTES, Double.BYTES);
  }

  @Override
  public int bytes() {
    return Double.BYTES;
  }

  @Override
  public double get(MemorySegment x, long at) {
    return x.getAtIndex(ValueLayout.JAVA_DOUBLE, at);
  }

  @Override
  public void set(MemorySegment x, long at, double value) {
    x.setAtIndex(ValueLayout.JAVA_DOUBLE, at, value);
  }

  private double get(MatrixView m, int i, int j) {
    return get(m.data(), m.offset() + i * m.rowStride() + j * m.columnStride());
  }

  @Override
  public void product(
      WorkerPool pool, MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    product(a, b, c, accumulate);
  }

  @Override
  public void product(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    for (int i = 0; i < a.rows(); i++) {
      for (int j = 0; j < b.columns(); j++) {
        double sum = accumulate ? get(c, i, j) : 0;
        for (int k = 0; k < a.columns(); k++) {
          sum += get(a, i, k) * get(b, k, j);
        }
        set(c.data(), c.offset() + i * c.rowStride() + j * c.columnStride(), sum);
      }
    }
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, get(y, yOffset + i) + get(x, xOffset + i));
    }
  }

  @Override
  public void scale(MemorySegment x, long offset, int n, double factor) {
    for (int i = 0; i < n; i++) {
      set(x, offset + i, get(x, offset + i) * factor);
    }
  }

  @Override
  public void norm(
      MemorySegment x,
      MemorySegment weight,
      double epsilon,
      MemorySegment y,
      MemorySegment r,
      int row,
      int n) {
    long at = (long) row * n;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      squares += get(x, at + i) * get(x, at + i);
    }
    double inverse = 1 / Math.sqrt(squares / n + epsilon);
    set(r, row, inverse);
    for (int i = 0; i < n; i++) {
      set(y, at + i, get(x, at + i) * inverse * get(weight, i));
    }
  }

  @Override
  public void normBackward(
      MemorySegment x,
      MemorySegment weight,
      MemorySegment r,
      MemorySegment dy,
      MemorySegment dx,
      int row,
      int n) {
    long at = (long) row * n;
    double inverse = get(r, row);
    double dot = 0;
    for (int i = 0; i < n; i++) {
      dot += get(dy, at + i) * get(weight, i) * get(x, at + i);
    }
    double back = inverse * inverse * inverse / n * dot;
    for (int i = 0; i < n; i++) {
      double d = inverse * get(weight, i) * get(dy, at + i) - back * get(x, at + i);
      set(dx, at + i, get(dx, at + i) + d);
    }
  }

  @Override
  public void normWeightBackward(
      MemorySegment x,
      MemorySegment r,
      MemorySegment dy,
      int rows,
      int width,
      MemorySegment dw,
      int from,
      int columns) {
    for (int j = from; j < from + columns; j++) {
      double sum = get(dw, j);
      for (int row = 0; row < rows; row++) {
        long at = (long) row * width + j;
        sum += get(r, row) * get(x, at) * get(dy, at);
      }
      set(dw, j, sum);
    }
  }

  @Override
  public void turn(MemorySegment x, long offset, int heads, int position, boolean back) {
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < headLength; i += 2) {
        double angle = (back ? -position : position) * Math.pow(ropeBase, -(double) i / headLength);
        long at = offset + (long) head * headLength + i;
        double a = get(x, at);
        double b = get(x, at + 1);
        set(x, at, a * Math.cos(angle) - b * Math.sin(angle));
        set(x, at + 1, a * Math.sin(angle) + b * Math.cos(angle));
      }
    }
  }

  @Override
  public void addSinusoids(MemorySegment x, long offset, int n, int position) {
    for (int i = 0; i < n; i++) {
      double angle = position / Math.pow(10_000, (double) (i & ~1) / n);
      double wave = (i & 1) == 0 ? Math.sin(angle) : Math.cos(angle);
      set(x, offset + i, get(x, offset + i) + wave);
    }
  }

  @Override
  public void siluGate(MemorySegment gate, MemorySegment up, MemorySegment y, long offset, int n) {
    for (long i = offset; i < offset + n; i++) {
      double g = get(gate, i);
      set(y, i, g / (1 + Math.exp(-g)) * get(up, i));
    }
  }

  @Override
  public void siluGateBackward(
      MemorySegment gate, MemorySegment up, MemorySegment dy, long offset, int n) {
    for (long i = offset; i < offset + n; i++) {
      double g = get(gate, i);
      double u = get(up, i);
      double d = get(dy, i);
      double s = 1 / (1 + Math.exp(-g));
      set(dy, i, g * s * u);
      set(up, i, g * s * d);
      set(gate, i, s * (1 + g * (1 - s)) * u * d);
    }
  }

  private static final double ROOT = Math.sqrt(2 / Math.PI);

  @Override
  public void gelu(MemorySegment x, MemorySegment y, long offset, int n) {
    for (long i = offset; i < offset + n; i++) {
      double v = get(x, i);
      set(y, i, v / 2 * (1 + Math.tanh(ROOT * (v + 0.044715 * v * v * v))));
    }
  }

  @Override
  public void geluBackward(MemorySegment x, MemorySegment dy, long offset, int n) {
    for (long i = offset; i < offset + n; i++) {
      double v = get(x, i);
      double tanh = Math.tanh(ROOT * (v + 0.044715 * v * v * v));
      double inner = ROOT * (1 + 3 * 0.044715 * v * v);
      double slope = (1 + tanh) / 2 + v / 2 * (1 - tanh * tanh) * inner;
      set(x, i, slope * get(dy, i));
      set(dy, i, v / 2 * (1 + tanh));
    }
  }

  @Override
  public void softmax(MemorySegment x, long offset, int n, double scale) {
    double max = Double.NEGATIVE_INFINITY;
    for (long i = offset; i < offset + n; i++) {
      max = Math.max(max, get(x, i) * scale);
    }
    double sum = 0;
    for (long i = offset; i < offset + n; i++) {
      set(x, i, Math.exp(get(x, i) * scale - max));
      sum += get(x, i);
    }
    scale(x, offset, n, 1 / sum);
  }

  @Override
  public void softmaxBackward(
      MemorySegment p, long pOffset, MemorySegment dp, long dpOffset, int n, double scale) {
    double dot = 0;
    for (int i = 0; i < n; i++) {
      dot += get(p, pOffset + i) * get(dp, dpOffset + i);
    }
    for (int i = 0; i < n; i++) {
      set(dp, dpOffset + i, get(p, pOffset + i) * (get(dp, dpOffset + i) - dot) * scale);
    }
  }

  @Override
  public double crossEntropy(MemorySegment logits, long offset, int n, int target, double factor) {
    double right = get(logits, offset + target);
    double max = Double.NEGATIVE_INFINITY;
    for (long i = offset; i < offset + n; i++) {
      max = Math.max(max, get(logits, i));
    }
    double sum = 0;
    for (long i = offset; i < offset + n; i++) {
      sum += Math.exp(get(logits, i) - max);
    }
    for (long i = offset; i < offset + n; i++) {
      double p = Math.exp(get(logits, i) - max) / sum;
      set(logits, i, factor * (p - (i == offset + target ? 1 : 0)));
    }
    return Math.log(sum) + max - right;
  }
}
