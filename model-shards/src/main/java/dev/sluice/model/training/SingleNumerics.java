package dev.sluice.model.training;

import dev.sluice.model.kernel.Activations;
import dev.sluice.model.kernel.Elementwise;
import dev.sluice.model.kernel.Gemm;
import dev.sluice.model.kernel.Gradients;
import dev.sluice.model.kernel.MatrixView;
import dev.sluice.model.kernel.Norms;
import dev.sluice.model.kernel.Rope;
import dev.sluice.model.kernel.Sinusoids;
import dev.sluice.model.kernel.Softmax;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Single precision, by the project's own kernels. For any number of threads. */
final class SingleNumerics implements Numerics {
  private static final int ALIGNMENT = 64;

  private final int headLength;
  private final Rope rope;
  private final MemorySegment sinusoids;

  /** The positions of a model's shape are tabulated, in {@code arena}. */
  SingleNumerics(ModelShape shape, Arena arena) {
    headLength = shape.headLength();
    rope = Rope.builder(headLength, shape.ropeBase(), shape.context()).build();
    boolean waves = shape.positions() == PositionEncoding.SINUSOIDAL;
    sinusoids = allocate(arena, waves ? (long) shape.context() * shape.width() : 0);
    for (int position = 0; waves && position < shape.context(); position++) {
      Sinusoids.write(position, sinusoids, (long) position * shape.width(), shape.width());
    }
  }

  @Override
  public MemorySegment allocate(Arena arena, long count) {
    return arena.allocate(Math.multiplyExact(count, bytes()), ALIGNMENT);
  }

  @Override
  public int bytes() {
    return Float.BYTES;
  }

  @Override
  public double get(MemorySegment x, long at) {
    return x.getAtIndex(ValueLayout.JAVA_FLOAT, at);
  }

  @Override
  public void set(MemorySegment x, long at, double value) {
    x.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) value);
  }

  @Override
  public void product(
      WorkerPool pool, MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    Gemm.multiply(pool, a, b, c, accumulate);
  }

  @Override
  public void product(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
    Gemm.multiply(a, b, c, accumulate);
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    Elementwise.add(x, xOffset, y, yOffset, n);
  }

  @Override
  public void scale(MemorySegment x, long offset, int n, double factor) {
    Elementwise.scale(x, offset, n, (float) factor);
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
    set(r, row, Gradients.inverseRms(x, at, n, (float) epsilon));
    Norms.rmsNorm(x, at, weight, (float) epsilon, y, at, n);
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
    Gradients.rmsNorm(x, at, weight, (float) get(r, row), dy, at, dx, at, n);
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
    Gradients.rmsNormWeight(x, r, dy, rows, width, dw, from, columns);
  }

  @Override
  public void turn(MemorySegment x, long offset, int heads, int position, boolean back) {
    if (back) {
      rope.applyTransposed(x, offset, heads, headLength, position);
    } else {
      rope.apply(x, offset, heads, headLength, position);
    }
  }

  @Override
  public void addSinusoids(MemorySegment x, long offset, int n, int position) {
    Elementwise.add(sinusoids, (long) position * n, x, offset, n);
  }

  @Override
  public void siluGate(MemorySegment gate, MemorySegment up, MemorySegment y, long offset, int n) {
    Elementwise.copy(gate, offset, y, offset, n);
    Activations.siluGate(y, offset, up, offset, n);
  }

  @Override
  public void siluGateBackward(
      MemorySegment gate, MemorySegment up, MemorySegment dy, long offset, int n) {
    Gradients.siluGate(gate, up, dy, offset, n);
  }

  @Override
  public void gelu(MemorySegment x, MemorySegment y, long offset, int n) {
    Elementwise.copy(x, offset, y, offset, n);
    Activations.geluTanh(y, offset, n);
  }

  @Override
  public void geluBackward(MemorySegment x, MemorySegment dy, long offset, int n) {
    Gradients.geluTanh(x, dy, offset, n);
  }

  @Override
  public void softmax(MemorySegment x, long offset, int n, double scale) {
    Elementwise.scale(x, offset, n, (float) scale);
    Softmax.softmax(x, offset, n);
  }

  @Override
  public void softmaxBackward(
      MemorySegment p, long pOffset, MemorySegment dp, long dpOffset, int n, double scale) {
    Gradients.softmax(p, pOffset, dp, dpOffset, n, (float) scale);
  }

  @Override
  public double crossEntropy(MemorySegment logits, long offset, int n, int target, double factor) {
    return Gradients.crossEntropy(logits, offset, n, target, (float) factor);
  }
}
