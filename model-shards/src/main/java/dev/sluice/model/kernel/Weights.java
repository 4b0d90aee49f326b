package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/** A matrix that rows of activations are multiplied with, {@code rows x columns}. */
public sealed interface Weights permits Matrix, PackedMatrix {
  /** Elements of a result. */
  long rows();

  /** Elements of an input. */
  int columns();

  /**
   * Some of the rows, over the same memory.
   *
   * @param first a multiple of 16 where the weights are packed
   */
  Weights slice(long first, long count);

  /**
   * {@code y[t][r] = sum over k of W[r][k] * x[t][k]} for each token {@code t} and row {@code r},
   * in the order of sums that the package states.
   *
   * @param pool shares out the rows
   * @param x the inputs; token {@code t} has {@code columns} floats from {@code xOffset + t *
   *     xStride} on
   * @param tokens how many; 0 does nothing
   * @param y the results, not overlapping {@code x}; token {@code t} has {@code rows} floats from
   *     {@code yOffset + t * yStride} on
   */
  void multiply(
      WorkerPool pool,
      MemorySegment x,
      long xOffset,
      long xStride,
      int tokens,
      MemorySegment y,
      long yOffset,
      long yStride);
}
