package dev.sluice.model.arch;

import dev.sluice.model.kernel.WorkerPool;

/**
 * Does one thing to each of many rows, over the pool in one dispatch; a single row is done by the
 * caller. Made once and used again: nothing is allocated per use.
 */
final class RowLoop implements WorkerPool.ChunkTask {
  /** What is done to a row. Rows are done in no certain order, by several threads. */
  interface RowTask {
    void run(int row);
  }

  /** Smaller than a thread's share, so that a late thread finds work. */
  private static final int CHUNKS_PER_THREAD = 4;

  private final WorkerPool pool;
  private final RowTask task;
  private int rows;
  private int chunks;

  RowLoop(WorkerPool pool, RowTask task) {
    this.pool = pool;
    this.task = task;
  }

  void over(int count) {
    rows = count;
    chunks = Math.min(count, CHUNKS_PER_THREAD * pool.threads());
    pool.parallel(chunks, this);
  }

  @Override
  public void run(int chunk, int worker) {
    int end = (int) ((chunk + 1L) * rows / chunks);
    for (int row = (int) ((long) chunk * rows / chunks); row < end; row++) {
      task.run(row);
    }
  }
}
