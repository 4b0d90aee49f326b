package dev.sluice.ops.load;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * One measurement. First each of the different requests is asked for alone; its answer is what it
 * has to be under load, to the last character. Times of an open loop count from when a request was
 * due, so a server that is late is not asked less for it.
 */
public final class LoadRun {
  private final LoadPlan plan;
  private final IntConsumer progress;
  private final List<String> alone = new ArrayList<>();
  private final ConcurrentLinkedQueue<LoadReport.Request> requests = new ConcurrentLinkedQueue<>();
  private final AtomicInteger numbers = new AtomicInteger();
  private final AtomicInteger unbegun = new AtomicInteger();
  private final Semaphore clients = new Semaphore(LoadPlan.MAX_CLIENTS);

  /**
   * Nothing asked yet.
   *
   * @param progress told how many answers there are, by threads of its own
   */
  public LoadRun(LoadPlan plan, IntConsumer progress) {
    this.plan = plan;
    this.progress = progress;
  }

  /**
   * Measures.
   *
   * @throws IllegalStateException where the server answers none that is asked alone
   */
  public LoadReport run() throws InterruptedException {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        HttpClient http =
            HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(30))
                .build()) {
      LoadClient client = new LoadClient(http, plan);
      for (int i = 0; i < plan.different(); i++) {
        alone.add(askAlone(client, i));
      }
      long began = System.nanoTime();
      if (plan.concurrent() > 0) {
        closedLoop(client, threads, began + plan.time().toNanos());
      } else {
        openLoop(client, threads, began);
      }
      return new LoadReport(
          plan, List.copyOf(requests), unbegun.get(), Duration.ofNanos(System.nanoTime() - began));
    }
  }

  private String askAlone(LoadClient client, int number) throws InterruptedException {
    LoadClient.Outcome outcome = client.ask(number, System.nanoTime());
    if (!outcome.complete()) {
      throw new IllegalStateException(
          "%s answers a single request with status %d: is it a server of Sluice that has its model?"
              .formatted(plan.server(), outcome.status()));
    }
    return outcome.text();
  }

  private void closedLoop(LoadClient client, ExecutorService threads, long end)
      throws InterruptedException {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < plan.concurrent(); i++) {
      running.add(
          threads.submit(
              () -> {
                do {
                  askOne(client, numbers.getAndIncrement(), System.nanoTime());
                } while (System.nanoTime() < end);
                return null;
              }));
    }
    await(running);
  }

  private void openLoop(LoadClient client, ExecutorService threads, long began)
      throws InterruptedException {
    SplittableRandom random = new SplittableRandom(plan.seed());
    List<Future<?>> running = new ArrayList<>();
    double due = 0;
    while (true) {
      due += -Math.log1p(-random.nextDouble()) / plan.perSecond();
      long dueNanos = began + (long) (due * 1e9);
      if (dueNanos - began >= plan.time().toNanos()) {
        break;
      }
      Thread.sleep(Duration.ofNanos(Math.max(0, dueNanos - System.nanoTime())));
      int number = numbers.getAndIncrement();
      if (clients.tryAcquire()) {
        running.add(
            threads.submit(
                () -> {
                  try {
                    askOne(client, number, dueNanos);
                  } finally {
                    clients.release();
                  }
                  return null;
                }));
      } else {
        unbegun.incrementAndGet();
      }
    }
    await(running);
  }

  private void askOne(LoadClient client, int number, long dueNanos) throws InterruptedException {
    int which = number % plan.different();
    LoadClient.Outcome outcome = client.ask(which, dueNanos);
    requests.add(new LoadReport.Request(outcome, outcome.text().equals(alone.get(which))));
    progress.accept(requests.size());
  }

  private static void await(List<Future<?>> running) throws InterruptedException {
    for (Future<?> one : running) {
      try {
        one.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("a client failed: " + e.getCause(), e);
      }
    }
  }
}
