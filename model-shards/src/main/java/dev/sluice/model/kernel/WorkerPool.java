package dev.sluice.model.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that share out the chunks of a task.
 *
 * <p>The pool keeps {@code threads - 1} daemon threads named {@code sluice-worker-N}; the thread
 * that calls {@link #parallel} is the last one. Threads without work spin for some microseconds,
 * since the next task of a forward pass is near, and then park. A task costs no allocation.
 *
 * <p>Any number of threads may call {@link #parallel} at once and also from within a chunk: up to
 * {@value #SLOTS} tasks share the workers, further ones run on their callers alone. {@link #close}
 * may be called by any thread.
 */
public final class WorkerPool implements AutoCloseable {
  /** Part of a task. */
  @FunctionalInterface
  public interface ChunkTask {
    /**
     * Runs one chunk.
     *
     * @param chunk which chunk, from 0
     * @param worker who runs it: a number below {@link WorkerPool#threads()}; within one call of
     *     {@link WorkerPool#parallel} no two chunks run at the same time under the same number (0
     *     is the caller)
     */
    void run(int chunk, int worker);
  }

  private static final int SLOTS = 16;
  private static final int SPINS = 2_000;
  private static final int MAX_THREADS = 1024;

  private final PoolJob[] jobs = new PoolJob[SLOTS];
  private final Worker[] workers;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final KernelChoice kernels;

  /** A pool that uses whichever kernels are best. */
  public WorkerPool(int threads) {
    this(threads, KernelChoice.AUTO);
  }

  /**
   * Starts the threads.
   *
   * @param threads how many threads work on a task, the caller included; 1 to 1,024
   * @param kernels what multiplies packed weights
   * @throws IllegalStateException for kernels that there are not
   */
  public WorkerPool(int threads, KernelChoice kernels) {
    this.kernels = kernels;
    if (kernels == KernelChoice.NATIVE) {
      NativeKernels.instance();
    }
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ": " + threads);
    }
    for (int i = 0; i < SLOTS; i++) {
      jobs[i] = new PoolJob();
    }
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
    }
    for (Worker worker : workers) {
      worker.thread.start();
    }
  }

  /** How many threads work on a task, the caller included. */
  public int threads() {
    return workers.length + 1;
  }

  /** What multiplies packed weights. */
  KernelProvider kernels() {
    return kernels.provider();
  }

  /** What multiplies packed weights, for people. */
  public String kernelName() {
    return kernels.describe();
  }

  /**
   * Runs the chunks 0 to {@code chunks - 1}, each once, in no certain order, and returns when all
   * are done; what they wrote is then visible to the caller. If chunks throw, one of their
   * exceptions is rethrown when all running chunks have ended; chunks not yet begun are skipped.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public void parallel(int chunks, ChunkTask task) {
    if (chunks < 0) {
      throw new IllegalArgumentException("chunks must not be negative: " + chunks);
    }
    if (closed.get()) {
      throw new IllegalStateException("the worker pool is closed");
    }
    PoolJob job = chunks > 1 && workers.length > 0 ? acquire() : null;
    if (job == null) {
      for (int chunk = 0; chunk < chunks; chunk++) {
        task.run(chunk, 0);
      }
      return;
    }
    job.start(chunks, task);
    int wanted = Math.min(workers.length, chunks - 1);
    for (int i = 0; i < workers.length && wanted > 0; i++) {
      wanted -= workers[i].wake() ? 1 : 0;
    }
    Throwable failure;
    try {
      while (job.runOne(0)) {}
      job.await(SPINS);
    } finally {
      failure = job.finish();
    }
    rethrow(failure);
  }

  /** Ends the threads and waits for them; running tasks are completed by their callers. */
  @Override
  public void close() {
    closed.set(true);
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (worker.thread.isAlive() && worker.thread != Thread.currentThread()) {
        LockSupport.unpark(worker.thread);
        try {
          worker.thread.join();
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private @Nullable PoolJob acquire() {
    for (PoolJob job : jobs) {
      if (job.tryAcquire()) {
        return job;
      }
    }
    return null;
  }

  private static void rethrow(@Nullable Throwable failure) {
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException("a chunk failed", failure);
    }
  }

  private final class Worker implements Runnable {
    private static final int RUNNING = 0;
    private static final int PARKED = 1;

    private final int number;
    private final Thread thread;
    private final AtomicInteger state = new AtomicInteger(RUNNING);

    Worker(int number) {
      this.number = number;
      thread = Thread.ofPlatform().daemon(true).name("sluice-worker-" + number).unstarted(this);
    }

    /** Unparks the thread if it sleeps; false if it is awake and will look by itself. */
    boolean wake() {
      if (state.get() == PARKED && state.compareAndSet(PARKED, RUNNING)) {
        LockSupport.unpark(thread);
        return true;
      }
      return false;
    }

    @Override
    public void run() {
      int idle = 0;
      while (!closed.get()) {
        if (workOnce()) {
          idle = 0;
        } else if (++idle < SPINS) {
          Thread.onSpinWait();
        } else {
          sleep();
          idle = 0;
        }
      }
    }

    private boolean workOnce() {
      boolean worked = false;
      for (PoolJob job : jobs) {
        while (job.runOne(number)) {
          worked = true;
        }
      }
      return worked;
    }

    /** Parks unless a task came between the last look and the mark that this thread sleeps. */
    private void sleep() {
      state.set(PARKED);
      boolean work = false;
      for (PoolJob job : jobs) {
        work |= job.hasWork();
      }
      while (!work && state.get() == PARKED && !closed.get()) {
        LockSupport.park(WorkerPool.this);
      }
      state.set(RUNNING);
    }
  }
}
