package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorRef;
import akka.actor.PoisonPill;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.javadsl.Sink;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stages are lost in the middle of streams; the others go on from what they have. */
@Timeout(120)
final class KeptPipelineTest {
  private static final int STAGES = 4;
  private static final int STREAMS = 4;
  private static final int TOKENS = 400;
  private static final int LOST_AT = 250;

  /** What may have been under way, of each stream: a prompt's chunk or a few steps. */
  private static final int UNDER_WAY = 40;

  private final FakeShards shards = new FakeShards(STAGES);

  /** Rows that each stage computed more than once. */
  private final AtomicIntegerArray again = new AtomicIntegerArray(STAGES);

  /** Rows that each stage got back from a copy. */
  private final AtomicIntegerArray restored = new AtomicIntegerArray(STAGES);

  private boolean replica;

  private PipelineStats run(LogLimits log, int... lost) throws Exception {
    PipelineOptions options =
        PipelineOptions.builder()
            .threads(1)
            .stages(STAGES)
            .kvTokens(4096)
            .prefillChunk(16)
            .activationLog(log)
            .kvReplica(replica)
            .build();
    Map<Long, Integer> computed = new ConcurrentHashMap<>();
    AtomicBoolean done = new AtomicBoolean();
    try (Pipeline pipeline =
        Pipeline.start(shards.plan(), FakeShards.shape(), shards, options, () -> {})) {
      shards.onRow =
          (stage, slot, position, token) -> {
            if (computed.put(((long) stage * STREAMS + slot) << 32 | position, token) != null) {
              again.incrementAndGet(stage);
            }
            if (stage == STAGES - 1 && position == LOST_AT && done.compareAndSet(false, true)) {
              IntStream.of(lost).forEach(i -> kill(pipeline, i));
            }
          };
      shards.onRestore =
          (stage, slot, position, token) -> {
            assertThat(computed)
                .containsEntry(((long) stage * STREAMS + slot) << 32 | position, token);
            restored.incrementAndGet(stage);
          };
      List<CompletableFuture<List<TokenEvent>>> streams = new ArrayList<>();
      for (int i = 0; i < STREAMS; i++) {
        int[] prompt = IntStream.range(i, 60 + i).map(n -> n % FakeShards.VOCABULARY).toArray();
        TokenRequest request =
            new TokenRequest(prompt, SamplingParameters.GREEDY, TOKENS, new int[0], false);
        streams.add(
            pipeline
                .generator()
                .generate(request)
                .runWith(Sink.seq(), pipeline.system())
                .toCompletableFuture());
      }
      for (int i = 0; i < STREAMS; i++) {
        List<TokenEvent> events = streams.get(i).get(60, TimeUnit.SECONDS);
        assertThat(events).hasSize(TOKENS + 1);
        int token = (59 + i) % FakeShards.VOCABULARY;
        for (int t = 0; t < TOKENS; t++) {
          token = FakeShards.next(token);
          assertThat(((TokenEvent.Token) events.get(t)).id()).isEqualTo(token);
        }
      }
      assertThat(pipeline.stats().epoch()).isGreaterThan(1);
      return pipeline.stats();
    }
  }

  private static void kill(Pipeline pipeline, int stage) {
    Adapter.toClassic(pipeline.system())
        .actorSelection("/user/node/shard-" + stage + "-*")
        .tell(PoisonPill.getInstance(), ActorRef.noSender());
  }

  private static LogLimits enough() {
    return new LogLimits(1 << 20, 0);
  }

  private void assertOnlyRebuilt(int... stages) {
    for (int i = 0; i < STAGES; i++) {
      int stage = i;
      if (IntStream.of(stages).anyMatch(s -> s == stage)) {
        assertThat(again.get(i)).as("stage %d", i).isGreaterThan(LOST_AT);
      } else {
        assertThat(again.get(i)).as("stage %d", i).isLessThan(STREAMS * UNDER_WAY);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void shouldComputeAgainOnlyTheRangeThatWasLost(int lost) throws Exception {
    PipelineStats stats = run(enough(), lost);
    assertOnlyRebuilt(lost);
    assertThat(stats.scheduling().replayedTokens()).isGreaterThan(STREAMS * 60L);
    assertThat(stats.scheduling().recomputedTokens()).isLessThan(STREAMS * UNDER_WAY);
    assertThat(shards.loads).hasSize(STAGES + 1);
  }

  @Test
  void shouldRebuildTwoNeighboursOneFromTheOther() throws Exception {
    run(enough(), 1, 2);
    assertOnlyRebuilt(1, 2);
  }

  @Test
  void shouldRebuildTheFirstAndTheLastAtOnce() throws Exception {
    run(enough(), 0, 3);
    assertOnlyRebuilt(0, 3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void shouldComputeNothingAgainThatTheNextStageHasACopyOf(int lost) throws Exception {
    replica = true;
    PipelineStats stats = run(LogLimits.OFF, lost);
    assertOnlyRebuilt();
    for (int i = 0; i < STAGES; i++) {
      assertThat(restored.get(i) > 0)
          .as("stage %d was given something back", i)
          .isEqualTo(i == lost);
    }
    assertThat(stats.scheduling().replayedTokens()).isZero();
    assertThat(stats.scheduling().recomputedTokens()).isLessThan(STREAMS * UNDER_WAY);
  }

  @Test
  void shouldGoOnFromTheCopiesWhenEverySecondStageIsLost() throws Exception {
    replica = true;
    run(LogLimits.OFF, 0, 2);
    assertOnlyRebuilt();
  }

  @Test
  void shouldRebuildTheStageWhoseCopyIsLostTooFromTheLog() throws Exception {
    replica = true;
    run(enough(), 1, 2);
    assertOnlyRebuilt(1);
  }

  @Test
  void shouldSpareTheStagesBehindTheLostOneWhenThereIsNoLog() throws Exception {
    run(LogLimits.OFF, 1);
    assertOnlyRebuilt(0, 1);
  }

  @Test
  void shouldGoOnFromTheTokensWhereTheLogIsTooSmall() throws Exception {
    // A block, for one of the streams.
    run(new LogLimits(64 << 10, 0), 2);
    assertThat(again.get(3)).isLessThan(STREAMS * UNDER_WAY);
    assertThat(again.get(2)).isGreaterThan(LOST_AT);
    assertThat(again.get(1)).isGreaterThan(LOST_AT);
  }
}
