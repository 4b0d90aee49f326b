package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerPoolTest {
  @Property(tries = 60)
  void shouldRunEachChunkOnce(
      @ForAll @IntRange(min = 1, max = 5) int threads,
      @ForAll @IntRange(min = 0, max = 300) int chunks) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
      for (int round = 0; round < 20; round++) {
        pool.parallel(chunks, (chunk, _) -> runs.incrementAndGet(chunk));
      }
      for (int i = 0; i < chunks; i++) {
        assertThat(runs.get(i)).isEqualTo(20);
      }
    }
  }

  @Test
  void shouldServeManyCallersAtOnce() throws Exception {
    int callers = 20; // more than the pool shares among its workers
    try (WorkerPool pool = new WorkerPool(3);
        ExecutorService executor = Executors.newFixedThreadPool(callers)) {
      List<Future<?>> results = new ArrayList<>();
      for (int caller = 0; caller < callers; caller++) {
        int seed = caller;
        results.add(
            executor.submit(
                () -> {
                  for (int round = 0; round < 300; round++) {
                    int chunks = 1 + (seed * 31 + round * 17) % 23;
                    AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
                    AtomicIntegerArray busy = new AtomicIntegerArray(pool.threads());
                    pool.parallel(
                        chunks,
                        (chunk, worker) -> {
                          assertThat(busy.incrementAndGet(worker)).isEqualTo(1);
                          runs.incrementAndGet(chunk);
                          busy.decrementAndGet(worker);
                        });
                    for (int i = 0; i < chunks; i++) {
                      assertThat(runs.get(i)).isEqualTo(1);
                    }
                  }
                }));
      }
      for (Future<?> result : results) {
        result.get(50, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void shouldLetTheCallerAndAWorkerRunAtTheSameTime() {
    try (WorkerPool pool = new WorkerPool(2)) {
      CountDownLatch both = new CountDownLatch(2);
      AtomicBoolean met = new AtomicBoolean(true);
      List<String> names = java.util.Collections.synchronizedList(new ArrayList<>());
      pool.parallel(
          2,
          (_, _) -> {
            names.add(Thread.currentThread().getName());
            both.countDown();
            try {
              met.compareAndSet(true, both.await(30, TimeUnit.SECONDS));
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      assertThat(met).isTrue();
      assertThat(names)
          .containsExactlyInAnyOrder(Thread.currentThread().getName(), "sluice-worker-1");
    }
  }

  @Test
  void shouldRethrowInTheCallerAndGoOn() {
    try (WorkerPool pool = new WorkerPool(3)) {
      for (int bad = 0; bad < 40; bad++) {
        int which = bad;
        assertThatThrownBy(
                () ->
                    pool.parallel(
                        40,
                        (chunk, _) -> {
                          if (chunk == which) {
                            throw new ArithmeticException("chunk " + chunk);
                          }
                        }))
            .isInstanceOf(ArithmeticException.class)
            .hasMessage("chunk " + which);
        AtomicInteger runs = new AtomicInteger();
        pool.parallel(40, (_, _) -> runs.incrementAndGet());
        assertThat(runs).hasValue(40);
      }
      assertThatThrownBy(
              () ->
                  pool.parallel(
                      4,
                      (_, _) -> {
                        throw new AssertionError("an error");
                      }))
          .isInstanceOf(AssertionError.class)
          .hasMessage("an error");
    }
  }

  @Test
  void shouldRunTasksWithinTasks() {
    try (WorkerPool pool = new WorkerPool(2)) {
      AtomicInteger runs = new AtomicInteger();
      pool.parallel(
          6,
          (_, _) -> pool.parallel(5, (_, _) -> pool.parallel(4, (_, _) -> runs.incrementAndGet())));
      assertThat(runs).hasValue(120);
    }
  }

  @Test
  void shouldLeaveNoThreadBehind() {
    WorkerPool pool = new WorkerPool(4);
    AtomicInteger runs = new AtomicInteger();
    pool.parallel(10, (_, _) -> runs.incrementAndGet());
    List<Thread> workers = new ArrayList<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("sluice-worker-")) {
        assertThat(thread.isDaemon()).isTrue();
        workers.add(thread);
      }
    }
    assertThat(workers).hasSize(3);
    pool.close();
    pool.close();
    assertThat(workers).noneMatch(Thread::isAlive);
    assertThatThrownBy(() -> pool.parallel(1, (_, _) -> {}))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new WorkerPool(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldKeepTheCallersInterrupt() {
    try (WorkerPool pool = new WorkerPool(2)) {
      Thread.currentThread().interrupt();
      AtomicInteger runs = new AtomicInteger();
      pool.parallel(50, (_, _) -> runs.incrementAndGet());
      assertThat(Thread.interrupted()).isTrue();
      assertThat(runs).hasValue(50);
    }
  }

  @Test
  void shouldAllocateNothingPerTask() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    AtomicInteger runs = new AtomicInteger();
    WorkerPool.ChunkTask task = (_, _) -> runs.incrementAndGet();
    try (WorkerPool pool = new WorkerPool(2)) {
      for (int i = 0; i < 1000; i++) {
        pool.parallel(8, task);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        pool.parallel(8, task);
      }
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1000);
    }
  }
}
