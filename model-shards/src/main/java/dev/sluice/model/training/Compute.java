package dev.sluice.model.training;

import dev.sluice.model.kernel.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What layers compute with: a precision, the threads, and the memory that they live in. */
record Compute(Numerics numerics, WorkerPool pool, Arena arena) {
  private static final int ROWS = 64;
  private static final int COLUMNS = 32;

  /** Part of a task: {@code count} rows or columns. */
  @FunctionalInterface
  interface Part {
    void run(int from, int count);
  }

  MemorySegment allocate(long count) {
    return numerics.allocate(arena, count);
  }

  /** Shares out rows that do not depend on each other. */
  void rows(int rows, Part part) {
    blocks(rows, ROWS, part);
  }

  /** Shares out columns that do not depend on each other. */
  void columns(int columns, Part part) {
    blocks(columns, COLUMNS, part);
  }

  private void blocks(int count, int size, Part part) {
    pool.parallel(
        (count + size - 1) / size,
        (chunk, _) -> part.run(chunk * size, Math.min(size, count - chunk * size)));
  }
}
