package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Sink;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ModelShards;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.grammar.Grammars;
import dev.sluice.stages.sampling.SamplingParameters;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import scala.jdk.javaapi.DurationConverters;

/** Streams go on when a stage is lost under them: the same events as of an undisturbed run. */
@Timeout(120)
final class RecoveryTest {
  private static final int STAGES = 3;

  @TempDir Path folder;

  /** Loses a stage the next time that it is told of a sequence. */
  private static final class Fault {
    private final AtomicInteger next = new AtomicInteger(-1);

    void arm(int stage) {
      next.set(stage);
    }

    void on(int stage) {
      if (next.compareAndSet(stage, -1)) {
        throw new IllegalStateException("lost by the test");
      }
    }
  }

  private static TokenRequest request(int seed, int maxTokens, boolean score) {
    int[] prompt = new int[20 + seed];
    for (int i = 0; i < prompt.length; i++) {
      prompt[i] = (seed * 31 + i * 7) % 50;
    }
    SamplingParameters sampling =
        seed % 2 == 0
            ? SamplingParameters.GREEDY
            : SamplingParameters.builder().seed(seed).temperature(0.9f).topLogprobs(2).build();
    return new TokenRequest(prompt, sampling, maxTokens, new int[0], score);
  }

  /** The same, of which each answer keeps to a grammar. */
  private static TokenRequest request(int seed, int maxTokens, boolean score, Grammar grammar) {
    TokenRequest request = request(seed, maxTokens, score);
    SamplingParameters sampling = request.sampling().toBuilder().grammar(grammar).build();
    return new TokenRequest(request.prompt(), sampling, maxTokens, new int[0], score);
  }

  private static CompletableFuture<List<TokenEvent>> run(Pipeline pipeline, TokenRequest request) {
    return pipeline
        .generator()
        .generate(request)
        .runWith(Sink.seq(), pipeline.system())
        .toCompletableFuture();
  }

  private static List<TokenEvent> payload(List<TokenEvent> events) {
    assertThat(events.getLast()).isInstanceOf(TokenEvent.Finished.class);
    return events.stream()
        .filter(e -> !(e instanceof TokenEvent.Finished || e instanceof TokenEvent.Recovered))
        .toList();
  }

  private static void assertUndisturbed(Pipeline pipeline, Fault fault, int maxTokens)
      throws Exception {
    assertUndisturbed(pipeline, fault, i -> request(i, maxTokens, i == 2));
  }

  /** Four streams at once, and a stage lost under them once for each stage. */
  private static List<List<TokenEvent>> assertUndisturbed(
      Pipeline pipeline, Fault fault, IntFunction<TokenRequest> wanted) throws Exception {
    List<TokenRequest> requests = new ArrayList<>();
    List<List<TokenEvent>> expected = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      TokenRequest request = wanted.apply(i);
      requests.add(i < 2 ? request : request.tellingRecoveries());
      expected.add(payload(run(pipeline, request).get(60, TimeUnit.SECONDS)));
    }
    for (int stage = 0; stage < STAGES; stage++) {
      long generated = pipeline.stats().scheduling().generatedTokens();
      long epoch = pipeline.stats().epoch();
      List<CompletableFuture<List<TokenEvent>>> running = new ArrayList<>();
      requests.forEach(request -> running.add(run(pipeline, request)));
      Eventually.until(
          "all are under way",
          () -> pipeline.stats().scheduling().generatedTokens() > generated + 20);
      fault.arm(stage);
      CompletableFuture<List<TokenEvent>> trigger = run(pipeline, request(9, 2, false));
      for (int i = 0; i < running.size(); i++) {
        List<TokenEvent> events = running.get(i).get(60, TimeUnit.SECONDS);
        assertThat(payload(events))
            .as("stream %d, stage %d lost", i, stage)
            .isEqualTo(expected.get(i));
        assertThat(events.stream().anyMatch(e -> e instanceof TokenEvent.Recovered))
            .as("stream %d is told of it", i)
            .isEqualTo(i >= 2);
      }
      assertThat(trigger.get(60, TimeUnit.SECONDS)).hasSize(3);
      assertThat(pipeline.stats().epoch()).isGreaterThan((int) epoch);
    }
    assertThat(pipeline.stats().scheduling().recoveries()).isGreaterThanOrEqualTo(3 * 4);
    PipelineStats.Scheduling scheduling = pipeline.stats().scheduling();
    assertThat(scheduling.recomputedTokens() + scheduling.replayedTokens()).isPositive();
    assertThat(pipeline.stats().scheduling().failed()).isZero();
    return expected;
  }

  /** Brackets within brackets: what is allowed depends on the whole answer. */
  @Test
  void shouldKeepToTheGrammarWhereverAStreamIsTakenUpAgain() throws Exception {
    FakeShards shards = new FakeShards(STAGES);
    Fault fault = new Fault();
    Grammar grammar =
        Grammar.parse("root ::= item*\nitem ::= [0-9] item{1,3} [@A] | [a-z] | \"<\" item \">\"");
    PipelineOptions options =
        PipelineOptions.builder().stages(STAGES).threads(1).kvTokens(1 << 15).build();
    try (Pipeline pipeline =
        Pipeline.start(shards.plan(), FakeShards.shape(), shards, options, () -> {})) {
      shards.onRelease = (stage, _, _, _) -> fault.on(stage);
      List<List<TokenEvent>> answers =
          assertUndisturbed(pipeline, fault, i -> request(i, 200, i == 2, grammar));
      for (List<TokenEvent> answer : answers) {
        int[] tokens =
            answer.stream()
                .filter(e -> e instanceof TokenEvent.Token)
                .mapToInt(e -> ((TokenEvent.Token) e).id())
                .toArray();
        assertThat(tokens).hasSize(200);
        // It throws for an answer that does not fit.
        assertThat(new Grammars(shards.vocabulary()).matcher(grammar, tokens, 0, 200)).isNotNull();
      }
    }
  }

  /** Where nothing may follow and no token can end the answer, it ends all the same. */
  @Test
  void shouldEndWithTheGrammar() throws Exception {
    FakeShards shards = new FakeShards(STAGES);
    PipelineOptions options =
        PipelineOptions.builder().stages(STAGES).threads(1).kvTokens(1 << 15).build();
    try (Pipeline pipeline =
        Pipeline.start(shards.plan(), FakeShards.shape(), shards, options, () -> {})) {
      List<TokenEvent> events =
          run(pipeline, request(1, 200, false, Grammar.parse("root ::= \"A\" [B-D]{2}")))
              .get(60, TimeUnit.SECONDS);
      assertThat(events).hasSize(4);
      assertThat(events.getLast())
          .isInstanceOfSatisfying(
              TokenEvent.Finished.class,
              end -> assertThat(end.reason()).isEqualTo(FinishReason.STOP));
      assertThat(run(pipeline, request(1, 9, false, Grammar.parse("root ::= \"~\""))))
          .failsWithin(60, TimeUnit.SECONDS)
          .withThrowableThat()
          .withMessageContaining("grammar");
    }
  }

  @Test
  void shouldGiveTheTokensOfAnUndisturbedRunWhicheverStageIsLost() throws Exception {
    FakeShards shards = new FakeShards(STAGES);
    Fault fault = new Fault();
    PipelineOptions options =
        PipelineOptions.builder()
            .stages(STAGES)
            .threads(1)
            .kvTokens(1 << 15)
            .prefixCache(false)
            .build();
    try (Pipeline pipeline =
        Pipeline.start(shards.plan(), FakeShards.shape(), shards, options, () -> {})) {
      shards.onRelease = (stage, _, _, _) -> fault.on(stage);
      assertUndisturbed(pipeline, fault, 200);
      Eventually.until("all pages are free", () -> shards.usedPages() == 0);
      assertThat(shards.loads).as("weights stay loaded").hasSize(STAGES);
    }
  }

  @Test
  void shouldGiveTheSameBitsWithARealModel() throws Exception {
    Fault fault = new Fault();
    try (GgufFile file = GgufFile.open(TinyModel.write(folder, 4, GgmlType.Q8_0, 11))) {
      PipelineOptions options =
          PipelineOptions.builder()
              .stages(STAGES)
              .threads(1)
              .contextTokens(TinyModel.CONTEXT)
              .kvTokens(8 * TinyModel.CONTEXT)
              .build();
      ModelFootprint footprint = ModelFootprint.of(file);
      ModelSpec spec = footprint.spec();
      MemoryNeeds needs =
          new MemoryNeeds(
              options.effectiveKvTokens(TinyModel.CONTEXT),
              options.kvType(),
              options.effectiveTokenBudget(),
              options.effectiveLogitRows(spec.vocabularySize()));
      ShardPlan plan = ShardPlan.of(footprint, STAGES, needs);
      WorkerPool pool = new WorkerPool(1);
      try (Pipeline pipeline =
          Pipeline.start(
              plan,
              new ModelShape(spec.embeddingLength(), spec.vocabularySize(), TinyModel.CONTEXT),
              o ->
                  new FaultyShard(
                      ModelShards.load(file, o, pool),
                      () -> fault.on(plan.ranges().indexOf(o.range()))),
              options,
              pool)) {
        assertUndisturbed(pipeline, fault, TinyModel.CONTEXT - 30);
      }
    }
  }

  /** A shard that fails before it forgets a sequence. */
  private record FaultyShard(ModelShard shard, Runnable onRelease) implements ModelShard {
    @Override
    public ModelSpec spec() {
      return shard.spec();
    }

    @Override
    public LayerRange range() {
      return shard.range();
    }

    @Override
    public void reserve(MicroBatch batch, int stage) {
      shard.reserve(batch, stage);
    }

    @Override
    public void forward(MicroBatch batch, int stage, MemorySegment input, MemorySegment output) {
      shard.forward(batch, stage, input, output);
    }

    @Override
    public int positions(int slot) {
      return shard.positions(slot);
    }

    @Override
    public void truncate(int slot, int positions) {
      onRelease.run();
      shard.truncate(slot, positions);
    }

    @Override
    public void release(int slot) {
      onRelease.run();
      shard.release(slot);
    }

    @Override
    public KvUsage kvUsage() {
      return shard.kvUsage();
    }

    @Override
    public void close() {
      shard.close();
    }
  }

  @Test
  void shouldKeepASlowReaderSlowAndTakeCancelsWhileItRecovers() throws Exception {
    FakeShards shards = new FakeShards(STAGES);
    Fault fault = new Fault();
    AtomicBoolean loading = new AtomicBoolean();
    PipelineOptions options =
        PipelineOptions.builder()
            .stages(STAGES)
            .threads(1)
            .kvTokens(1 << 15)
            .unreadLimit(16)
            .prefixCache(false)
            .build();
    try (Pipeline pipeline =
        Pipeline.start(shards.plan(), FakeShards.shape(), shards, options, () -> {})) {
      List<TokenEvent> expected =
          payload(run(pipeline, request(1, 60, false)).get(60, TimeUnit.SECONDS));
      // Once the stage is lost, the cancelled stream goes before the next epoch is ready.
      TestSubscriber.Probe<TokenEvent> cancelled =
          probe(pipeline, request(2, 1_000, false), 1_000_000);
      shards.onRelease =
          (stage, _, _, _) -> {
            fault.on(stage);
            if (loading.compareAndSet(true, false)) {
              cancelled.cancel();
            }
          };
      TestSubscriber.Probe<TokenEvent> slow = probe(pipeline, request(1, 60, false), 5);
      List<TokenEvent> got = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        got.add(slow.expectNext());
      }
      Eventually.until(
          "the slow one's window is full",
          () -> pipeline.stats().scheduling().generatedTokens() > 60 + 5 + 16);
      loading.set(true);
      fault.arm(1);
      run(pipeline, request(9, 2, false)).get(60, TimeUnit.SECONDS);
      assertThat(pipeline.stats().epoch()).isEqualTo(2);
      Eventually.until("one is left", () -> pipeline.stats().scheduling().running() == 1);
      slow.request(1_000);
      while (got.size() < 61) {
        got.add(slow.expectNext(DurationConverters.toScala(java.time.Duration.ofSeconds(60))));
      }
      assertThat(payload(got)).isEqualTo(expected);
      slow.expectComplete();
      Eventually.until("all pages are free", () -> shards.usedPages() == 0);
      Eventually.until(
          "none is reserved", () -> pipeline.stats().scheduling().reservedPages() == 0);
    }
  }

  private static TestSubscriber.Probe<TokenEvent> probe(
      Pipeline pipeline, TokenRequest request, long demand) {
    TestSubscriber.Probe<TokenEvent> probe =
        pipeline
            .generator()
            .generate(request)
            .runWith(TestSink.create(pipeline.system()), pipeline.system());
    probe.request(demand);
    return probe;
  }
}
