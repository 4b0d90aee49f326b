package dev.sluice.model.training;

import dev.sluice.model.kernel.MatrixView;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The arithmetic that layers are made of, in one precision. Training uses single precision; that
 * the layers are right is checked in double precision, by finite differences, on the same layers.
 *
 * <p>Offsets and counts are in numbers. Backward functions are described at {@link
 * dev.sluice.model.kernel.Gradients}.
 */
interface Numerics {
  /** Zeros. */
  MemorySegment allocate(Arena arena, long count);

  /** Bytes of a number. */
  int bytes();

  double get(MemorySegment x, long at);

  void set(MemorySegment x, long at, double value);

  /** {@code C = A B} or {@code C += A B}, by all threads of the pool. */
  void product(WorkerPool pool, MatrixView a, MatrixView b, MatrixView c, boolean accumulate);

  /** {@code C = A B} or {@code C += A B}, by this thread. */
  void product(MatrixView a, MatrixView b, MatrixView c, boolean accumulate);

  /** {@code y += x}. */
  void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);

  /** {@code x *= factor}. */
  void scale(MemorySegment x, long offset, int n, double factor);

  /** Root mean square norm of one row; sets {@code r[row]} to what it multiplied by. */
  void norm(
      MemorySegment x,
      MemorySegment weight,
      double epsilon,
      MemorySegment y,
      MemorySegment r,
      int row,
      int n);

  /** Adds to {@code dx}. */
  void normBackward(
      MemorySegment x,
      MemorySegment weight,
      MemorySegment r,
      MemorySegment dy,
      MemorySegment dx,
      int row,
      int n);

  /** Adds to {@code dw}, columns {@code from} on. */
  void normWeightBackward(
      MemorySegment x,
      MemorySegment r,
      MemorySegment dy,
      int rows,
      int width,
      MemorySegment dw,
      int from,
      int columns);

  /** Turns heads by their position, or back. */
  void turn(MemorySegment x, long offset, int heads, int position, boolean back);

  /** Adds the sine waves of a position. */
  void addSinusoids(MemorySegment x, long offset, int n, int position);

  /** {@code y = silu(gate) * up}. */
  void siluGate(MemorySegment gate, MemorySegment up, MemorySegment y, long offset, int n);

  /** {@code gate} and {@code up} become gradients, {@code dy} becomes {@code y}. */
  void siluGateBackward(MemorySegment gate, MemorySegment up, MemorySegment dy, long offset, int n);

  /** {@code y = gelu(x)}. */
  void gelu(MemorySegment x, MemorySegment y, long offset, int n);

  /** {@code x} becomes its gradient, {@code dy} becomes {@code y}. */
  void geluBackward(MemorySegment x, MemorySegment dy, long offset, int n);

  /** {@code x = softmax(scale * x)}. */
  void softmax(MemorySegment x, long offset, int n, double scale);

  /** {@code dp} becomes the gradient by what stood before {@link #softmax}. */
  void softmaxBackward(
      MemorySegment p, long pOffset, MemorySegment dp, long dpOffset, int n, double scale);

  /** The loss of one row; the logits become its gradient times {@code factor}. */
  double crossEntropy(MemorySegment logits, long offset, int n, int target, double factor);
}
