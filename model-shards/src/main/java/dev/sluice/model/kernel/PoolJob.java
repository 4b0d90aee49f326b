package dev.sluice.model.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One task that the workers share, used again for the next.
 *
 * <p>The claim word holds a generation (upper half) and the next chunk (lower half). A worker reads
 * it, then the task and the number of chunks, and then moves it on by compare-and-set: that this
 * succeeds proves that what was read belongs together, since a task ends only after each of its
 * chunks was claimed and completed, and the next one has another generation. Between tasks the
 * lower half is at its maximum, so that no chunk seems to be left while the next task is written
 * down.
 */
final class PoolJob {
  private static final long CHUNK_MASK = 0xffff_ffffL;

  private final AtomicBoolean taken = new AtomicBoolean();
  private final AtomicLong claim = new AtomicLong(CHUNK_MASK);
  private final AtomicInteger completed = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile WorkerPool.@Nullable ChunkTask task;
  private volatile int chunks;
  private volatile @Nullable Thread waiter;

  boolean tryAcquire() {
    return !taken.get() && taken.compareAndSet(false, true);
  }

  /** Offers a task; by the thread that acquired the job. */
  void start(int count, WorkerPool.ChunkTask newTask) {
    completed.set(0);
    failure.set(null);
    task = newTask;
    chunks = count;
    claim.set(((claim.get() >>> 32) + 1) << 32);
  }

  boolean hasWork() {
    return (claim.get() & CHUNK_MASK) < chunks;
  }

  /** Claims and runs one chunk; false if none is left. */
  boolean runOne(int worker) {
    while (true) {
      long seen = claim.get();
      long chunk = seen & CHUNK_MASK;
      WorkerPool.ChunkTask current = task;
      if (chunk >= chunks || current == null) {
        return false;
      }
      if (claim.compareAndSet(seen, seen + 1)) {
        run(current, (int) chunk, worker);
        return true;
      }
    }
  }

  @SuppressWarnings("CatchingUnchecked") // Whatever a chunk throws belongs to the caller.
  private void run(WorkerPool.ChunkTask current, int chunk, int worker) {
    int count = chunks;
    try {
      if (failure.get() == null) {
        current.run(chunk, worker);
      }
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
    }
    if (completed.incrementAndGet() == count) {
      Thread sleeper = waiter;
      if (sleeper != null) {
        LockSupport.unpark(sleeper);
      }
    }
  }

  /** Waits until every chunk is completed; by the caller, after the last chunk was claimed. */
  void await(int spins) {
    int count = chunks;
    for (int i = 0; i < spins; i++) {
      if (completed.get() == count) {
        return;
      }
      Thread.onSpinWait();
    }
    boolean interrupted = false;
    waiter = Thread.currentThread();
    while (completed.get() != count) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    waiter = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the task and frees the job; gives what a chunk threw. */
  @Nullable Throwable finish() {
    Throwable thrown = failure.get();
    claim.set(claim.get() | CHUNK_MASK);
    task = null;
    taken.set(false);
    return thrown;
  }
}
