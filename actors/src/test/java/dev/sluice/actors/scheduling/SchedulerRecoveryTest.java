package dev.sluice.actors.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.scheduling.SimulatedPipeline.Consumer;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What becomes of sequences whose pipeline is lost, and of those that come from another head. */
final class SchedulerRecoveryTest {
  private static final SchedulerLimits LIMITS = limits(2, 1000);

  private final SimulatedPipeline pipeline = new SimulatedPipeline(LIMITS, new Random(1));
  private final BatchScheduler scheduler =
      new BatchScheduler(LIMITS, () -> pipeline.now, pipeline, (_, _) -> "it failed");

  private static SchedulerLimits limits(int sequences, int pages) {
    return new SchedulerLimits(
        3, sequences, 4, 1000, pages, 4, 8, 32, 16, 100, Duration.ofMinutes(10), false);
  }

  private static TokenRequest request(int maxTokens, boolean score) {
    return new TokenRequest(
        new int[] {1, 2, 3, 4, 5}, SamplingParameters.GREEDY, maxTokens, new int[0], score);
  }

  private Consumer submit(long id, TokenRequest request, Resume resume, int granted) {
    Consumer consumer = new Consumer(request, granted);
    pipeline.consumers.put(SimulatedPipeline.id(id), consumer);
    scheduler.submit(SimulatedPipeline.id(id), request, resume, granted);
    return consumer;
  }

  private void lose() {
    scheduler.suspend("a node is gone");
    pipeline.clear();
  }

  private void run() {
    while (pipeline.advance(scheduler)) {}
  }

  private void runUntil(Consumer consumer, int events) {
    while (consumer.events.size() < events) {
      assertThat(pipeline.advance(scheduler)).isTrue();
    }
  }

  /** The tokens of a run without a loss. */
  private static List<TokenEvent> undisturbed(TokenRequest request) {
    SchedulerRecoveryTest other = new SchedulerRecoveryTest();
    Consumer consumer = other.submit(1, request, Resume.NONE, 1000);
    other.run();
    return consumer.events.subList(0, consumer.events.size() - 1);
  }

  @Test
  void shouldGoOnWhereItWasAndTellOfItBeforeTheNextEvent() {
    TokenRequest request = request(20, false).tellingRecoveries();
    Consumer consumer = submit(1, request, Resume.NONE, 1000);
    runUntil(consumer, 7);
    lose();
    pipeline.now += 5_000_000_000L;
    scheduler.resume(LIMITS, List.of());
    run();

    TokenEvent.Recovered told = (TokenEvent.Recovered) consumer.events.remove(7);
    assertThat(told.tokens()).isEqualTo(7);
    assertThat(told.pause()).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(6));
    TokenEvent.Finished end = (TokenEvent.Finished) consumer.events.removeLast();
    assertThat(end.usage()).isEqualTo(new Usage(5, 20, 0));
    assertThat(consumer.events).isEqualTo(undisturbed(request));
    assertThat(scheduler.stats().recoveries()).isEqualTo(1);
    assertThat(scheduler.stats().promptTokens()).isEqualTo(5);
    assertThat(scheduler.stats().recomputedTokens()).isBetween(11L, 12L);
  }

  @Test
  void shouldWaitBeforeThoseThatWaitedAlready() {
    Consumer first = submit(1, request(30, false), Resume.NONE, 1000);
    Consumer second = submit(2, request(30, false), Resume.NONE, 1000);
    Consumer third = submit(3, request(30, false), Resume.NONE, 1000);
    runUntil(second, 3);
    lose();
    scheduler.resume(limits(1, 1000), List.of());
    run();

    assertThat(first.ended() && second.ended() && third.ended()).isTrue();
    assertThat(third.events).hasSize(31);
    assertThat(finish(first).timings().queueNanos()).isZero();
    assertThat(finish(third).timings().queueNanos()).isPositive();
  }

  private static TokenEvent.Finished finish(Consumer consumer) {
    return (TokenEvent.Finished) consumer.events.getLast();
  }

  @Test
  void shouldNotScoreAgainWhatWasDelivered() {
    TokenRequest request = request(4, true);
    List<TokenEvent> expected = undisturbed(request);
    for (int losses = 0; losses < expected.size(); losses++) {
      SchedulerRecoveryTest other = new SchedulerRecoveryTest();
      // One credit at a time, so that the loss comes between any two events.
      Consumer consumer = other.submit(1, request, Resume.NONE, 2);
      for (int granted = 3; !consumer.ended(); granted++) {
        other.run();
        if (consumer.events.size() == losses) {
          other.lose();
          other.scheduler.resume(LIMITS, List.of());
        }
        consumer.granted = granted;
        other.scheduler.grant(SimulatedPipeline.id(1), granted);
        other.run();
      }
      assertThat(consumer.events.subList(0, expected.size())).isEqualTo(expected);
    }
  }

  @Test
  void shouldGiveBackTheCreditOfRowsInFlight() {
    Consumer consumer = submit(1, request(20, false), Resume.NONE, 3);
    runUntil(consumer, 2);
    lose();
    scheduler.resume(LIMITS, List.of());
    run();
    assertThat(consumer.events).hasSize(3);
    assertThat(scheduler.stats().running()).isEqualTo(1);
  }

  @Test
  void shouldForgetCancelledSequencesWithThePipeline() {
    Consumer consumer = submit(1, request(20, false), Resume.NONE, 1000);
    runUntil(consumer, 2);
    consumer.gone = true;
    scheduler.cancel(SimulatedPipeline.id(1));
    assertThat(scheduler.stats().closing()).isEqualTo(1);
    lose();
    scheduler.resume(LIMITS, List.of());
    run();
    assertThat(scheduler.stats().closing() + scheduler.stats().running()).isZero();
    assertThat(scheduler.stats().reservedPages()).isZero();
  }

  @Test
  void shouldCancelWhileThereIsNoPipeline() {
    Consumer consumer = submit(1, request(20, false), Resume.NONE, 1000);
    runUntil(consumer, 2);
    lose();
    consumer.gone = true;
    scheduler.cancel(SimulatedPipeline.id(1));
    assertThat(scheduler.stats().waiting()).isZero();
    scheduler.resume(LIMITS, List.of());
    assertThat(pipeline.advance(scheduler)).isFalse();
  }

  @Test
  void shouldTakeOverFromAnotherHeadAtAnyPoint() {
    TokenRequest request = request(6, true);
    List<TokenEvent> expected = undisturbed(request);
    for (int got = 0; got <= expected.size(); got++) {
      SchedulerRecoveryTest other = new SchedulerRecoveryTest();
      Consumer before = new Consumer(request, 0);
      before.events.addAll(expected.subList(0, got));
      Consumer consumer = other.submit(1, request, before.resume(), 1000);
      other.run();
      assertThat(consumer.events.subList(0, expected.size() - got))
          .isEqualTo(expected.subList(got, expected.size()));
      assertThat(finish(consumer).reason()).isEqualTo(FinishReason.LENGTH);
      assertThat(finish(consumer).usage()).isEqualTo(new Usage(5, 6, 0));
    }
  }

  @Test
  void shouldGoOnWithWhatStagesKeptForAnotherHead() {
    TokenRequest request = request(30, false);
    List<TokenEvent> expected = undisturbed(request);
    Consumer first = submit(3, request, Resume.NONE, 100);
    runUntil(first, 12);
    BatchScheduler next = takeOver();
    assertThat(next.stats().reservedPages()).as("pages are set aside").isPositive();
    Resume resume = first.resume();
    next.submit(SimulatedPipeline.id(3), request, resume, 100);
    while (pipeline.advance(next)) {}
    assertThat(first.events.removeLast()).isInstanceOf(TokenEvent.Finished.class);
    assertThat(first.events).isEqualTo(expected);
    assertThat(next.stats().recomputedTokens()).isLessThan(3);
    assertThat(next.stats().reservedPages()).isZero();
  }

  @Test
  void shouldFreeWhatStagesKeptWhereNobodyComesForIt() {
    Consumer gone = submit(3, request(30, false), Resume.NONE, 100);
    runUntil(gone, 12);
    BatchScheduler next = takeOver();
    TokenRequest request = request(20, false);
    Consumer other = new Consumer(request, 100);
    pipeline.consumers.put(SimulatedPipeline.id(4), other);
    next.submit(SimulatedPipeline.id(4), request, Resume.NONE, 100);
    pipeline.now += BatchScheduler.OFFER_NANOS;
    next.expire();
    while (pipeline.advance(next)) {}
    assertThat(other.events.removeLast()).isInstanceOf(TokenEvent.Finished.class);
    assertThat(other.events).isEqualTo(undisturbed(request));
    assertThat(next.stats().reservedPages()).isZero();
    assertThat(pipeline.openSlots()).isZero();
  }

  /** The stages stay and have what they had; the head is another one. */
  private BatchScheduler takeOver() {
    BatchScheduler next =
        new BatchScheduler(LIMITS, () -> pipeline.now, pipeline, (_, _) -> "it failed");
    next.suspend("a new head");
    pipeline.clearLinks();
    next.resume(LIMITS, pipeline.keptForNewHead());
    return next;
  }

  @Test
  void shouldRefuseWhatNoHeadCanHaveDelivered() {
    assertInvalid(request(2, false), new Resume(new int[3], 0), "3 tokens were generated already");
    assertInvalid(request(9, false), new Resume(new int[] {100}, 0), "token 100");
    assertInvalid(request(9, false), new Resume(new int[] {-1}, 0), "token -1");
    assertInvalid(request(9, false), new Resume(new int[0], 1), "1 of 0 positions");
    assertInvalid(request(9, true), new Resume(new int[1], 4), "4 of 5 positions");
    assertInvalid(request(9, true), new Resume(new int[0], 6), "6 of 5 positions");
    assertInvalid(request(9, true), new Resume(new int[0], -1), "-1 of 5 positions");
  }

  private void assertInvalid(TokenRequest request, Resume resume, String text) {
    Consumer consumer = submit(1, request, resume, 10);
    GenerationException failure = Objects.requireNonNull(consumer.failure);
    assertThat(failure.kind()).isEqualTo(Kind.INVALID_REQUEST);
    assertThat(failure).hasMessageContaining(text);
  }

  @Test
  void shouldFailWhatDoesNotFitTheNextPipeline() {
    Consumer large = submit(1, request(40, false), Resume.NONE, 1000);
    Consumer open = submit(2, request(TokenRequest.UNLIMITED, false), Resume.NONE, 1000);
    runUntil(open, 12);
    lose();
    scheduler.resume(limits(2, 6), List.of());
    run();
    assertThat(large.failure).hasMessageContaining("the request needs room for 44 tokens");
    // Room for 24 positions, and the last token is never fed: what was asked for without a limit.
    assertThat(open.failure).isNull();
    assertThat(finish(open).usage()).isEqualTo(new Usage(5, 20, 0));
  }

  @Test
  void shouldFailOnlyTheSequenceThatNoPipelineSurvives() {
    Consumer killing = submit(1, request(40, false), Resume.NONE, 1000);
    Consumer resting = submit(2, request(40, false), Resume.NONE, 2);
    runUntil(resting, 2);
    for (int i = 0; i < BatchScheduler.MAX_LOSSES; i++) {
      assertThat(killing.failure).isNull();
      lose();
      scheduler.resume(LIMITS, List.of());
    }
    lose();
    assertThat(Objects.requireNonNull(killing.failure).kind()).isEqualTo(Kind.SHARD_FAILED);
    assertThat(killing.failure).hasMessageContaining("lost 4 times in a row");
    assertThat(resting.failure).as("it had no credit, and is not to blame").isNull();
  }

  @Test
  void shouldNotWaitForThePipelineForEver() {
    Consumer consumer = submit(1, request(40, false), Resume.NONE, 1000);
    runUntil(consumer, 2);
    pipeline.now += Duration.ofMinutes(11).toNanos();
    lose();
    scheduler.expire();
    assertThat(consumer.failure).as("it has waited for no time").isNull();
    pipeline.now += Duration.ofMinutes(10).toNanos();
    scheduler.expire();
    assertThat(Objects.requireNonNull(consumer.failure).kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(consumer.failure).hasMessageContaining("a node is gone");
  }
}
