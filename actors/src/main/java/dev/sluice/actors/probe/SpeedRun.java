package dev.sluice.actors.probe;

import dev.sluice.actors.placement.KernelRate;
import dev.sluice.model.kernel.Matrix;
import dev.sluice.model.kernel.Weights;
import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Times the kernels on matrices of one kind. The weights are made up; a product takes as long
 * whatever the numbers are, as long as none is denormal.
 */
final class SpeedRun {
  /** Weights beyond this are in no cache, as a model's are not. */
  private static final long MOST_BYTES = 64 << 20;

  private static final int PROMPT_TOKENS = 64;
  private static final int FIRST_ROWS = 32;

  /** A product of this length is timed well enough. */
  private static final long LONG_ENOUGH_NANOS = 2_000_000;

  /**
   * Multiply-adds a second below which the code is not yet fully compiled: small boards do several
   * times as many, and code on its way there a small part.
   */
  private static final double SLOWEST_DECODE = 4e8;

  private static final double SLOWEST_PROMPT = 1.2e9;

  /** The compiler may want so many times the time, which it is then given. */
  private static final int PATIENCE = 4;

  /** A thread that computes less of the time shares its core with something else. */
  private static final double ALONE = 0.6;

  /** 0x11 in every byte is a small, normal number in every type, and so are the scales. */
  private static final byte FILL = 0x11;

  private static final int ALIGNMENT = 64;

  private final MatrixKind kind;
  private final WorkerPool pool;
  private final Clocks clocks;

  /**
   * Two clocks in nanoseconds.
   *
   * @param wall the time
   * @param processor the time that the calling thread has computed
   */
  record Clocks(LongSupplier wall, LongSupplier processor) {}

  SpeedRun(MatrixKind kind, WorkerPool pool, Clocks clocks) {
    this.kind = kind;
    this.pool = pool;
    this.clocks = clocks;
  }

  /**
   * Measures for so long, half of it for each of the two ways; longer where the code is not
   * compiled by then.
   *
   * @return nothing where the code was not compiled even so, or other programs had the processor,
   *     which says nothing about the machine
   */
  Optional<KernelRate> measure(long nanos) {
    long rowBytes = kind.type().bytesFor(kind.columns());
    long rows = Math.max(1, Math.min(kind.bytes(), MOST_BYTES) / rowBytes);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment weights = arena.allocate(rows * rowBytes, ALIGNMENT).fill(FILL);
      Weights matrix = Matrix.of(kind.type(), rows, kind.columns(), weights).prepared(arena, pool);
      MemorySegment x = floats(arena, (long) PROMPT_TOKENS * kind.columns());
      MemorySegment y = floats(arena, PROMPT_TOKENS * rows);
      double decode = rate(matrix, x, y, 1, nanos / 2, SLOWEST_DECODE);
      double prompt = rate(matrix, x, y, PROMPT_TOKENS, nanos / 2, SLOWEST_PROMPT);
      return decode < SLOWEST_DECODE || prompt < SLOWEST_PROMPT
          ? Optional.empty()
          : Optional.of(new KernelRate(decode, prompt));
    }
  }

  private static MemorySegment floats(Arena arena, long count) {
    return arena.allocate(count * Float.BYTES, ALIGNMENT).fill(FILL);
  }

  /**
   * Multiply-adds a second. Rows are taken one part of the matrix after another, so that they come
   * out of the cache only where the whole matrix fits into it. Parts grow until one takes long
   * enough; what was timed before was code that is not yet compiled, and the best part counts,
   * since whatever else the machine does can only make it slower.
   */
  private double rate(
      Weights matrix, MemorySegment x, MemorySegment y, int tokens, long budget, double slowest) {
    long start = clocks.wall().getAsLong();
    long computed = clocks.processor().getAsLong();
    long rows = Math.min(FIRST_ROWS, matrix.rows());
    long next = 0;
    double best = 0;
    boolean alone;
    long taken;
    do {
      if (next + rows > matrix.rows()) {
        next = 0;
      }
      Weights part = matrix.slice(next, rows);
      long before = clocks.wall().getAsLong();
      part.multiply(pool, x, 0, matrix.columns(), tokens, y, 0, rows);
      long now = clocks.wall().getAsLong();
      next += rows;
      long nanos = Math.max(1, now - before);
      double rate = (double) rows * matrix.columns() * tokens / nanos * 1e9;
      if (nanos < LONG_ENOUGH_NANOS && rows < matrix.rows()) {
        rows = Math.min(2 * rows, matrix.rows());
        best = rate;
      } else {
        best = Math.max(best, rate);
      }
      taken = now - start;
      alone = clocks.processor().getAsLong() - computed >= ALONE * taken;
    } while (taken < (alone && best < slowest ? PATIENCE * budget : budget));
    return alone ? best : 0;
  }
}
