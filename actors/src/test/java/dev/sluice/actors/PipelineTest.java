package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.stream.javadsl.Sink;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import dev.sluice.actors.FakeShards.FakeShard;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import scala.jdk.javaapi.DurationConverters;

/** Actors, runners, links and streams together, around shards that do what a test wants. */
@Timeout(120)
final class PipelineTest {
  private static PipelineOptions.Builder options() {
    return PipelineOptions.builder().threads(1).kvTokens(4096).prefillChunk(16);
  }

  private static Pipeline start(FakeShards shards, PipelineOptions.Builder options) {
    return Pipeline.start(
        shards.plan(),
        FakeShards.shape(),
        shards,
        options.stages(shards.plan().stages().size()).build(),
        () -> {});
  }

  private static TokenRequest request(int first, int maxTokens) {
    return new TokenRequest(
        new int[] {1, 2, first}, SamplingParameters.GREEDY, maxTokens, new int[0], false);
  }

  private static CompletableFuture<List<TokenEvent>> run(Pipeline pipeline, TokenRequest request) {
    return pipeline
        .generator()
        .generate(request)
        .runWith(Sink.seq(), pipeline.system())
        .toCompletableFuture();
  }

  private static void assertTokens(List<TokenEvent> events, int last, int count) {
    int token = last;
    for (int i = 0; i < count; i++) {
      token = FakeShards.next(token);
      assertThat(((TokenEvent.Token) events.get(i)).id()).isEqualTo(token);
    }
    assertThat(events).hasSize(count + 1);
    assertThat(events.getLast())
        .isInstanceOfSatisfying(
            TokenEvent.Finished.class, f -> assertThat(f.reason()).isEqualTo(FinishReason.LENGTH));
  }

  @Test
  void shouldFailOnlyTheRequestWhoseShardThrows() throws Exception {
    FakeShards shards = new FakeShards(3);
    try (Pipeline pipeline = start(shards, options())) {
      int poison = 49;
      shards.onRow =
          (stage, _, _, token) -> {
            if (stage == 1 && token == poison) {
              throw new IllegalArgumentException("no such thing as token " + token);
            }
          };
      CompletableFuture<List<TokenEvent>> failing =
          run(
              pipeline,
              new TokenRequest(
                  new int[] {poison}, SamplingParameters.GREEDY, 5, new int[0], false));

      assertThatThrownBy(() -> failing.get(60, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOfSatisfying(
              GenerationException.class,
              e -> assertThat(e.kind()).isEqualTo(GenerationException.Kind.SHARD_FAILED))
          .hasMessage(
              "stage 1 (layers 1..2) failed: IllegalArgumentException: no such thing as token 49");
      Eventually.until("all pages are free", () -> shards.usedPages() == 0);
      shards.onRow = (_, _, _, _) -> {};
      assertTokens(run(pipeline, request(5, 40)).get(60, TimeUnit.SECONDS), 5, 40);
      assertThat(pipeline.stats().epoch()).isEqualTo(1);
      assertThat(pipeline.stats().stages().get(1).failures()).isEqualTo(1);
    }
  }

  @Test
  void shouldFailChunksThatFollowAFailedOneAndNoOthers() throws Exception {
    FakeShards shards = new FakeShards(3);
    AtomicBoolean thrown = new AtomicBoolean();
    shards.onRow =
        (stage, _, position, token) -> {
          if (stage == 1 && token == 49 && position == 3 && thrown.compareAndSet(false, true)) {
            throw new IllegalStateException("once");
          }
        };
    try (Pipeline pipeline = start(shards, options().prefillChunk(4))) {
      int[] prompt = new int[200];
      prompt[3] = 49;
      CompletableFuture<List<TokenEvent>> failing =
          run(pipeline, new TokenRequest(prompt, SamplingParameters.GREEDY, 5, new int[0], false));
      assertThatThrownBy(() -> failing.get(60, TimeUnit.SECONDS))
          .hasMessageContaining("stage 1 (layers 1..2) failed: IllegalStateException: once");
      assertTokens(run(pipeline, request(5, 10)).get(60, TimeUnit.SECONDS), 5, 10);
      assertThat(pipeline.stats().stages().get(1).failures()).isEqualTo(1);
    }
  }

  @Test
  void shouldHaveAllStagesComputeAtOnce() throws Exception {
    int stages = 3;
    FakeShards shards = new FakeShards(stages);
    AtomicIntegerArray steps = new AtomicIntegerArray(stages);
    AtomicIntegerArray reached = new AtomicIntegerArray(6);
    AtomicInteger meeting = new AtomicInteger(Integer.MAX_VALUE);
    CountDownLatch together = new CountDownLatch(stages);
    shards.onRow = (_, slot, position, _) -> reached.set(slot, position);
    // Micro-batch n is at the first stage, n - 1 at the second, n - 2 at the third, and each waits
    // for the others: they meet there only if the scheduler has all of them in flight.
    shards.onForward =
        stage -> {
          if (steps.incrementAndGet(stage) == meeting.get() - stage) {
            together.countDown();
            awaitUninterruptibly(together);
          }
        };
    try (Pipeline pipeline = start(shards, options().kvTokens(1 << 16))) {
      List<CompletableFuture<List<TokenEvent>>> running = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        running.add(run(pipeline, request(i, 2_000)));
      }
      Eventually.until(
          "all six decode", () -> IntStream.range(0, 6).allMatch(slot -> reached.get(slot) > 10));
      meeting.set(steps.get(0) + 10);
      for (int i = 0; i < 6; i++) {
        assertTokens(running.get(i).get(100, TimeUnit.SECONDS), i, 2_000);
      }
      assertThat(together.getCount()).isZero();
      PipelineStats stats = pipeline.stats();
      assertThat(stats.overlapNanos().get(stages)).isPositive();
      assertThat(stats.overlapShare(stages)).isPositive();
      assertThat(stats.scheduling().maxInFlight()).isGreaterThanOrEqualTo(stages);
      assertThat(stats.stages().get(2).hop().count()).isPositive();
      assertThat(stats.since(stats).overlapNanos()).containsOnly(0L);
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the stages never computed at once");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void shouldStopOnlyTheSequenceWhoseConsumerDoesNotRead() throws Exception {
    FakeShards shards = new FakeShards(2);
    AtomicInteger furthest = new AtomicInteger();
    shards.onRow =
        (stage, slot, position, _) -> {
          if (stage == 0 && slot == 0) {
            furthest.accumulateAndGet(position, Math::max);
          }
        };
    try (Pipeline pipeline = start(shards, options().unreadLimit(16))) {
      TestSubscriber.Probe<TokenEvent> slow =
          pipeline
              .generator()
              .generate(request(7, 300))
              .runWith(TestSink.create(pipeline.system()), pipeline.system());
      slow.request(5);
      List<TokenEvent> got = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        got.add(slow.expectNext());
      }
      assertTokens(run(pipeline, request(9, 300)).get(60, TimeUnit.SECONDS), 9, 300);

      // Three of the prompt, five read, sixteen unread; the last token is never fed.
      assertThat(furthest.get()).isLessThan(3 + 5 + 16);
      slow.request(1_000);
      while (got.size() < 301) {
        got.add(slow.expectNext(DurationConverters.toScala(java.time.Duration.ofSeconds(60))));
      }
      assertTokens(got, 7, 300);
      slow.expectComplete();
    }
  }

  @Test
  void shouldFreeACancelledSequenceWithinOneStep() {
    FakeShards shards = new FakeShards(2);
    Semaphore steps = new Semaphore(0);
    AtomicBoolean gated = new AtomicBoolean(true);
    AtomicInteger furthest = new AtomicInteger();
    shards.onRow =
        (stage, _, position, _) -> {
          if (stage == 0) {
            furthest.accumulateAndGet(position, Math::max);
            if (position > 2 && gated.get()) {
              steps.acquireUninterruptibly();
            }
          }
        };
    try (Pipeline pipeline = start(shards, options())) {
      TestSubscriber.Probe<TokenEvent> probe =
          pipeline
              .generator()
              .generate(request(7, 300))
              .runWith(TestSink.create(pipeline.system()), pipeline.system());
      probe.request(1_000);
      steps.release(4);
      for (int i = 0; i < 5; i++) {
        probe.expectNext();
      }
      // The first stage stands in the step of position 7.
      Eventually.until("the next step has begun", () -> furthest.get() == 7);
      probe.cancel();
      Eventually.until("it leaves", () -> pipeline.stats().scheduling().running() == 0);
      gated.set(false);
      steps.release(1);
      Eventually.until("all pages are free", () -> shards.usedPages() == 0);
      Eventually.until("the slot is free", () -> pipeline.stats().scheduling().closing() == 0);
      assertThat(furthest.get()).as("no step after the one under way").isEqualTo(7);
      assertThat(pipeline.stats().scheduling().reservedPages()).isZero();
    }
  }

  @Test
  void shouldBuildANewEpochWhenAStageIsLost() throws Exception {
    FakeShards shards = new FakeShards(3);
    AtomicBoolean lost = new AtomicBoolean();
    try (Pipeline pipeline = start(shards, options())) {
      assertTokens(run(pipeline, request(5, 10)).get(60, TimeUnit.SECONDS), 5, 10);
      shards.onRelease =
          (stage, _, _, _) -> {
            if (stage == 1 && lost.compareAndSet(false, true)) {
              throw new IllegalStateException("the table of pages is damaged");
            }
          };
      assertTokens(run(pipeline, request(5, 1_000)).get(60, TimeUnit.SECONDS), 5, 1_000);
      assertTokens(run(pipeline, request(6, 20)).get(60, TimeUnit.SECONDS), 6, 20);
      assertThat(pipeline.stats().epoch()).isEqualTo(2);
      assertThat(shards.loads).as("weights stay loaded").hasSize(3);
    }
  }

  @Test
  void shouldGiveUpAfterManyLostEpochsAndSaySo() {
    FakeShards shards = new FakeShards(2);
    try (Pipeline pipeline = start(shards, options())) {
      shards.onRelease =
          (_, _, _, _) -> {
            throw new IllegalStateException("never again");
          };
      assertThatThrownBy(() -> run(pipeline, request(5, 10)).get(60, TimeUnit.SECONDS))
          .hasMessageContaining("never again");
      assertThatThrownBy(() -> run(pipeline, request(5, 10)).get(60, TimeUnit.SECONDS))
          .cause()
          .isInstanceOfSatisfying(
              GenerationException.class,
              e -> assertThat(e.kind()).isEqualTo(GenerationException.Kind.UNAVAILABLE))
          .hasMessageContaining("lost 5 times in a row")
          .hasMessageContaining("never again");
    }
  }

  @Test
  void shouldSayWhichStageCouldNotBeLoaded() {
    FakeShards shards = new FakeShards(3);
    ShardFactory failing =
        o -> {
          if (o.range().first() == 2) {
            throw new IllegalStateException("the weights are made of cheese");
          }
          return shards.load(o);
        };
    AtomicBoolean resourceClosed = new AtomicBoolean();
    PipelineOptions options = options().stages(3).build();
    assertThatThrownBy(
            () ->
                Pipeline.start(
                    shards.plan(),
                    FakeShards.shape(),
                    failing,
                    options,
                    () -> resourceClosed.set(true)))
        .isInstanceOf(PipelineException.class)
        .hasMessageContaining("stage 2 (layers 2..3) could not be loaded")
        .hasMessageContaining("made of cheese");
    assertThat(resourceClosed).isTrue();
    assertThat(shards.shards.values()).allMatch(s -> s.closed);
  }

  @Test
  void shouldFailRequestsInFlightWhenItIsClosed() throws Exception {
    FakeShards shards = new FakeShards(2);
    CompletableFuture<List<TokenEvent>> running;
    CountDownLatch begun = new CountDownLatch(1);
    shards.onRow =
        (_, _, position, _) -> {
          if (position > 20) {
            begun.countDown();
          }
        };
    Pipeline pipeline = start(shards, options());
    try {
      running = run(pipeline, request(3, 4_000));
      assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      pipeline.close();
      pipeline.close();
    }
    assertThatThrownBy(() -> running.get(60, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class);
    assertThat(shards.shards.values()).allMatch(s -> s.closed);
    assertThat(shards.shards.values()).extracting(FakeShard::range).hasSize(2);
  }
}
