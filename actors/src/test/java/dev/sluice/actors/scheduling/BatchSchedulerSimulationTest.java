package dev.sluice.actors.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Thousands of random histories; a failure names the seed, which replays exactly. */
final class BatchSchedulerSimulationTest {
  private static final int HISTORIES = 3_000;

  @Test
  void shouldKeepItsPromisesInRandomHistories() {
    int recovered = 0;
    long reused = 0;
    for (long seed = 0; seed < HISTORIES; seed++) {
      try {
        History history = new History(seed);
        history.run();
        recovered += history.recovered;
        reused += history.reused;
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("history of seed " + seed + ": " + e.getMessage(), e);
      }
    }
    assertThat(recovered).as("generations that lost their pipeline and ended").isGreaterThan(300);
    assertThat(reused).as("tokens that others had").isGreaterThan(1_000);
  }

  private static final class History {
    private final Random random;
    private final SchedulerLimits limits;
    private final SimulatedPipeline pipeline;
    private BatchScheduler scheduler;
    private boolean down;
    private int recovered;
    private long reused;
    private long nextId;

    History(long seed) {
      random = new Random(seed * 31 + 7);
      int maxSequences = 1 + random.nextInt(6);
      limits =
          new SchedulerLimits(
              1 + random.nextInt(5),
              maxSequences,
              random.nextInt(8),
              8 + random.nextInt(60),
              1 + random.nextInt(20),
              1 + random.nextInt(8),
              1 + random.nextInt(12),
              maxSequences + 1 + random.nextInt(16),
              maxSequences + random.nextInt(8),
              2 + random.nextInt(30),
              Duration.ofHours(1),
              random.nextInt(4) > 0);
      pipeline = new SimulatedPipeline(limits, random);
      pipeline.failurePerMille = random.nextInt(3) == 0 ? 20 : 0;
      scheduler = scheduler();
    }

    private BatchScheduler scheduler() {
      return new BatchScheduler(
          limits, () -> pipeline.now, pipeline, (s, f) -> "stage " + s + " failed");
    }

    void run() {
      int requests = 1 + random.nextInt(12);
      int guard = 0;
      while (nextId < requests || !allEnded()) {
        assertThat(guard++).as("every history ends").isLessThan(200_000);
        act(requests);
        int inFlight = pipeline.inFlight();
        assertThat(down || scheduler.readySequences() == 0 || inFlight >= limits.stages())
            .as("a stage is idle while a sequence could go on")
            .isTrue();
      }
      if (down) {
        scheduler.resume(limits, pipeline.kept());
      }
      pipeline.now += BatchScheduler.OFFER_NANOS;
      scheduler.expire();
      while (pipeline.advance(scheduler)) {
        assertThat(guard++).isLessThan(200_000);
      }
      assertThat(scheduler.stats().reservedPages()).as("pages reserved at the end").isZero();
      assertThat(scheduler.stats().running() + scheduler.stats().closing()).isZero();
      assertThat(scheduler.stats().microBatchesInFlight()).isZero();
      assertThat(pipeline.openSlots())
          .as("slots open at the end")
          .isEqualTo(limits.stages() * scheduler.stats().resting());
      reused += scheduler.stats().reusedTokens();
      pipeline.consumers.values().forEach(this::check);
    }

    private void act(int requests) {
      switch (random.nextInt(10)) {
        case 0 -> {
          if (nextId < requests) {
            submit();
          }
        }
        case 1, 2, 3 -> read();
        case 4 -> {
          if (random.nextInt(8) == 0) {
            cancel();
          } else if (random.nextInt(4) == 0) {
            pauseOrGoOn();
          } else if (random.nextInt(12) == 0 && !down) {
            loseThePipeline();
          } else if (random.nextInt(5) == 0 && down) {
            scheduler.resume(limits, pipeline.kept());
            down = false;
          } else if (random.nextInt(30) == 0) {
            loseTheHead();
          } else if (random.nextInt(20) == 0) {
            pipeline.now += BatchScheduler.OFFER_NANOS;
            scheduler.expire();
          } else if (random.nextInt(60) == 0) {
            pipeline.now += Duration.ofMinutes(61).toNanos();
            scheduler.expire();
            assertThat(scheduler.stats().waiting()).as("nobody waits longer than allowed").isZero();
          }
        }
        default -> pipeline.advance(scheduler);
      }
    }

    private void submit() {
      int[] prompt = prompt();
      boolean score = random.nextInt(4) == 0;
      int maxTokens =
          random.nextInt(8) == 0 ? TokenRequest.UNLIMITED : random.nextInt(20) + (score ? 0 : 1);
      int[] stops = random.nextInt(3) == 0 ? new int[] {0, 1} : new int[0];
      SamplingParameters sampling = SamplingParameters.builder().seed(random.nextInt(1000)).build();
      TokenRequest request = new TokenRequest(prompt, sampling, maxTokens, stops, score);
      int window = (score ? 2 : 1) + random.nextInt(16);
      if (random.nextBoolean()) {
        request = request.tellingRecoveries();
        window++;
      }
      SimulatedPipeline.Consumer consumer = new SimulatedPipeline.Consumer(request, window);
      long id = nextId++;
      pipeline.consumers.put(SimulatedPipeline.id(id), consumer);
      scheduler.submit(SimulatedPipeline.id(id), request, Resume.NONE, window);
    }

    /** Often one that begins as another did, and with some of what that one brought. */
    private int[] prompt() {
      int[] prompt = random.ints(1 + random.nextInt(30), 0, limits.vocabularySize()).toArray();
      if (nextId == 0 || random.nextBoolean()) {
        return prompt;
      }
      SimulatedPipeline.Consumer other = pipeline.consumer(random.nextLong(nextId));
      IntStream log =
          IntStream.concat(
              Arrays.stream(other.request.prompt()), Arrays.stream(other.resume().generated()));
      int most = limits.contextTokens() - prompt.length;
      return most < 1
          ? prompt
          : IntStream.concat(log.limit(1 + random.nextInt(most)), Arrays.stream(prompt)).toArray();
    }

    private void read() {
      if (nextId == 0) {
        return;
      }
      long id = random.nextLong(nextId);
      SimulatedPipeline.Consumer consumer = pipeline.consumer(id);
      int unread = consumer.payload() - consumer.read;
      if (consumer.reads && unread > 0) {
        int taken = 1 + random.nextInt(unread);
        consumer.read += taken;
        consumer.granted += taken;
        scheduler.grant(SimulatedPipeline.id(id), consumer.granted - consumer.submittedAt);
      }
    }

    private void cancel() {
      if (nextId > 0) {
        long id = random.nextLong(nextId);
        SimulatedPipeline.Consumer consumer = pipeline.consumer(id);
        if (!consumer.ended()) {
          consumer.gone = true;
          scheduler.cancel(SimulatedPipeline.id(id));
        }
      }
    }

    private void loseThePipeline() {
      scheduler.suspend("the pipeline is lost");
      pipeline.lose();
      assertThat(scheduler.stats().reservedPages()).isZero();
      assertThat(scheduler.stats().running() + scheduler.stats().closing()).isZero();
      assertThat(scheduler.stats().microBatchesInFlight()).isZero();
      down = true;
    }

    /** Another head takes over: whoever has not got all events submits anew, what it has got. */
    private void loseTheHead() {
      pipeline.lose();
      scheduler = scheduler();
      scheduler.suspend("a new head");
      scheduler.resume(limits, pipeline.keptForNewHead());
      down = false;
      for (long id = 0; id < nextId; id++) {
        SimulatedPipeline.Consumer consumer = pipeline.consumer(id);
        if (!consumer.ended()) {
          consumer.submittedAt = consumer.payload();
          scheduler.submit(
              SimulatedPipeline.id(id),
              consumer.request,
              consumer.resume(),
              consumer.granted - consumer.submittedAt);
        }
      }
    }

    private void pauseOrGoOn() {
      if (nextId > 0) {
        SimulatedPipeline.Consumer consumer = pipeline.consumer(random.nextLong(nextId));
        consumer.reads = !consumer.reads;
      }
    }

    private boolean allEnded() {
      return pipeline.consumers.values().stream().allMatch(SimulatedPipeline.Consumer::ended);
    }

    /** The events are those of the model, in order, without gap or repetition. */
    private void check(SimulatedPipeline.Consumer consumer) {
      TokenRequest request = consumer.request;
      List<Integer> log = new ArrayList<>();
      for (int token : request.prompt()) {
        log.add(token);
      }
      int at = 0;
      List<TokenEvent> events = new ArrayList<>(consumer.events);
      boolean told = events.removeIf(e -> e instanceof TokenEvent.Recovered);
      events.removeIf(e -> e instanceof TokenEvent.Reused);
      assertThat(!told || request.tellRecoveries()).isTrue();
      for (int p = 0;
          request.scorePrompt() && p < request.promptLength() && at < events.size();
          p++) {
        TokenEvent.Scored scored = (TokenEvent.Scored) events.get(at++);
        assertThat(scored.position()).isEqualTo(p);
        assertThat(scored.nextLogit().isPresent()).isEqualTo(p < request.promptLength() - 1);
        if (scored.nextLogit().isPresent()) {
          assertThat(scored.nextLogit().getAsDouble()).isEqualTo(log.get(p + 1).doubleValue());
        }
      }
      while (at < events.size() && events.get(at) instanceof TokenEvent.Token token) {
        assertThat(token.position()).isEqualTo(log.size());
        assertThat(token.id())
            .isEqualTo(SimulatedPipeline.token(request, log, limits.vocabularySize()));
        assertThat(request.isStopToken(token.id())).isFalse();
        log.add(token.id());
        at++;
      }
      if (consumer.gone || consumer.failure != null) {
        assertThat(at).isEqualTo(events.size());
        if (consumer.failure != null && at > 0) {
          assertThat(consumer.failure.kind())
              .as("what fails a generation that has begun: %s", consumer.failure)
              .isNotEqualTo(GenerationException.Kind.INVALID_REQUEST);
        }
        return;
      }
      TokenEvent.Finished end = (TokenEvent.Finished) events.get(at);
      recovered += told ? 1 : 0;
      int generated = log.size() - request.promptLength();
      int next = SimulatedPipeline.token(request, log, limits.vocabularySize());
      if (end.reason() == FinishReason.STOP) {
        assertThat(request.isStopToken(next)).isTrue();
        assertThat(end.usage().generatedTokens()).isEqualTo(generated + 1);
      } else {
        assertThat(end.reason()).isEqualTo(FinishReason.LENGTH);
        boolean unlimited = request.maxTokens() == TokenRequest.UNLIMITED;
        int most =
            unlimited
                ? (int) Math.min(limits.contextTokens(), limits.capacityTokens() + 1)
                : request.promptLength() + request.maxTokens();
        assertThat(log).hasSize(most);
      }
    }
  }

  @Test
  void shouldSpreadDecodesSoThatAllStagesWorkAtOnce() {
    for (int stages = 1; stages <= 5; stages++) {
      SchedulerLimits limits =
          new SchedulerLimits(
              stages, 10, 0, 500, 2000, 4, 8, 32, 16, 100, Duration.ofHours(1), false);
      SimulatedPipeline pipeline = new SimulatedPipeline(limits, new Random(stages));
      BatchScheduler scheduler =
          new BatchScheduler(limits, () -> pipeline.now, pipeline, (s, f) -> "");
      for (long id = 0; id < 10; id++) {
        TokenRequest request =
            new TokenRequest(
                new int[] {1, 2, 3}, SamplingParameters.GREEDY, 400, new int[0], false);
        pipeline.consumers.put(
            SimulatedPipeline.id(id), new SimulatedPipeline.Consumer(request, 1000));
        scheduler.submit(SimulatedPipeline.id(id), request, Resume.NONE, 1000);
      }
      // Until all ten decode.
      for (int i = 0; i < 5 * stages; i++) {
        pipeline.tick(scheduler);
      }
      pipeline.mostEntries = 0;
      int ticks = 60;
      int busy = 0;
      for (int i = 0; i < ticks; i++) {
        busy += pipeline.tick(scheduler);
      }
      assertThat(busy).as("stages busy in %d steps", ticks).isEqualTo(ticks * stages);
      // An even share of the ten in each, so that no stage has a long step while others wait.
      assertThat(pipeline.mostEntries).isLessThanOrEqualTo(Math.ceilDiv(10, stages));
      while (!pipeline.consumers.values().stream().allMatch(SimulatedPipeline.Consumer::ended)) {
        pipeline.tick(scheduler);
      }
    }
  }

  @Test
  void shouldNotStopOthersFromDecodingDuringLongPrompt() {
    SchedulerLimits limits =
        new SchedulerLimits(3, 4, 0, 20_000, 10_000, 4, 16, 24, 8, 100, Duration.ofHours(1), false);
    SimulatedPipeline pipeline = new SimulatedPipeline(limits, new Random(5));
    BatchScheduler scheduler =
        new BatchScheduler(limits, () -> pipeline.now, pipeline, (s, f) -> "");
    TokenRequest small =
        new TokenRequest(new int[] {1, 2}, SamplingParameters.GREEDY, 100, new int[0], false);
    TokenRequest large =
        new TokenRequest(
            new Random(1).ints(8_000, 0, 100).toArray(),
            SamplingParameters.GREEDY,
            1,
            new int[0],
            false);
    pipeline.consumers.put(SimulatedPipeline.id(1), new SimulatedPipeline.Consumer(large, 1000));
    pipeline.consumers.put(SimulatedPipeline.id(2), new SimulatedPipeline.Consumer(small, 1000));
    scheduler.submit(SimulatedPipeline.id(1), large, Resume.NONE, 1000);
    scheduler.submit(SimulatedPipeline.id(2), small, Resume.NONE, 1000);
    SimulatedPipeline.Consumer decoding = pipeline.consumer(2L);
    int stepsAtLastToken = 0;
    int seen = 0;
    while (!decoding.ended()) {
      assertThat(pipeline.advance(scheduler)).isTrue();
      if (decoding.events.size() > seen) {
        seen = decoding.events.size();
        if (seen > 1) {
          // Between two of its tokens no more micro-batches begin than the pipeline holds.
          assertThat(pipeline.steps - stepsAtLastToken).isLessThanOrEqualTo(limits.maxInFlight());
        }
        stepsAtLastToken = pipeline.steps;
      }
    }
    assertThat(pipeline.consumer(1L).ended()).as("the long prompt goes on").isFalse();
    assertThat(scheduler.stats().promptTokens()).isGreaterThan(300);
  }

  @Test
  void shouldRefuseWhatCanNeverFit() {
    SchedulerLimits limits =
        new SchedulerLimits(2, 2, 1, 64, 4, 8, 8, 16, 4, 100, Duration.ofHours(1), false);
    assertRefused(limits, 65, 1, "the prompt has 65 tokens, and the context holds 64");
    assertRefused(limits, 10, 60, "ask for at most 54");
    assertRefused(limits, 33, 1, "needs room for 40 tokens in the KV cache, and it holds 32");
    assertRefused(limits, 10, 24, "needs room for 40 tokens");
  }

  private static void assertRefused(SchedulerLimits limits, int prompt, int tokens, String text) {
    SimulatedPipeline pipeline = new SimulatedPipeline(limits, new Random(1));
    BatchScheduler scheduler =
        new BatchScheduler(limits, () -> pipeline.now, pipeline, (s, f) -> "");
    TokenRequest request =
        new TokenRequest(new int[prompt], SamplingParameters.GREEDY, tokens, new int[0], false);
    pipeline.consumers.put(SimulatedPipeline.id(1), new SimulatedPipeline.Consumer(request, 16));
    scheduler.submit(SimulatedPipeline.id(1), request, Resume.NONE, 16);
    GenerationException failure = Objects.requireNonNull(pipeline.consumer(1L).failure);
    assertThat(failure.kind()).isEqualTo(GenerationException.Kind.INVALID_REQUEST);
    assertThat(failure).hasMessageContaining(text);
  }
}
