package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorRef;
import akka.actor.PoisonPill;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.javadsl.Sink;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real model over UDP: each stage is lost in turn, and goes on from the copy that is kept. */
@Timeout(240)
final class ReplicaPipelineTest {
  private static final int STAGES = 3;
  private static final int STREAMS = 4;
  private static final int PROMPT = 20;
  private static final int TOKENS = TinyModel.CONTEXT - PROMPT;

  /** Tokens of each stream before a stage is lost; its reader then waits for the next epoch. */
  private static final int BEFORE = 40;

  /** What may have been under way, of each stream: a few steps. */
  private static final int UNDER_WAY = 20;

  private final AtomicIntegerArray read = new AtomicIntegerArray(STREAMS);

  private static TokenRequest request(int stream) {
    int[] prompt = new int[PROMPT];
    Arrays.setAll(prompt, i -> (stream * 31 + i * 7) % 50);
    SamplingParameters sampling =
        stream % 2 == 0
            ? SamplingParameters.GREEDY
            : SamplingParameters.builder().seed(stream).temperature(0.9f).build();
    return new TokenRequest(prompt, sampling, TOKENS, new int[0], false);
  }

  /** The streams; each reads so many tokens and then the rest when the gate is open. */
  private List<CompletableFuture<List<Integer>>> start(
      Pipeline pipeline, CompletableFuture<Void> gate) {
    List<CompletableFuture<List<Integer>>> streams = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      int stream = i;
      read.set(stream, 0);
      streams.add(
          pipeline
              .generator()
              .generate(request(stream))
              .filter(TokenEvent.Token.class::isInstance)
              .map(event -> ((TokenEvent.Token) event).id())
              .mapAsync(
                  1,
                  id ->
                      read.incrementAndGet(stream) <= BEFORE
                          ? CompletableFuture.completedFuture(id)
                          : gate.thenApply(_ -> id))
              .runWith(Sink.seq(), pipeline.system())
              .toCompletableFuture());
    }
    return streams;
  }

  private static List<List<Integer>> await(List<CompletableFuture<List<Integer>>> streams)
      throws Exception {
    List<List<Integer>> all = new ArrayList<>();
    for (CompletableFuture<List<Integer>> stream : streams) {
      all.add(stream.get(60, TimeUnit.SECONDS));
    }
    return all;
  }

  @Test
  void shouldGiveTheSameTokensAndComputeNothingAgainWhicheverStageIsLost(@TempDir Path folder)
      throws Exception {
    PipelineOptions options =
        PipelineOptions.builder()
            .stages(STAGES)
            .threads(1)
            .contextTokens(TinyModel.CONTEXT)
            .kvTokens(STREAMS * TinyModel.CONTEXT)
            .kvType(KvType.F16)
            .maxSequences(STREAMS)
            .link(LinkKind.UDP)
            .activationLog(LogLimits.OFF)
            .kvReplica(true)
            .build();
    try (GgufFile file = GgufFile.open(TinyModel.write(folder, 4, GgmlType.Q8_0, 11));
        Pipeline pipeline = Pipeline.start(file, options)) {
      CompletableFuture<Void> open = CompletableFuture.completedFuture(null);
      List<List<Integer>> expected = await(start(pipeline, open));
      for (int stage = 0; stage < STAGES; stage++) {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        List<CompletableFuture<List<Integer>>> streams = start(pipeline, gate);
        Eventually.until("all wait", this::allWait);
        int epoch = pipeline.stats().epoch();
        PipelineStats.Scheduling before = pipeline.stats().scheduling();
        kill(pipeline, stage);
        Eventually.until("the next epoch", () -> pipeline.stats().epoch() > epoch);
        gate.complete(null);
        assertThat(await(streams)).as("stage %d is lost", stage).isEqualTo(expected);
        PipelineStats.Scheduling after = pipeline.stats().scheduling();
        assertThat(after.replayedTokens()).isZero();
        assertThat(after.recomputedTokens() - before.recomputedTokens())
            .as("stage %d is lost", stage)
            .isLessThan(STREAMS * UNDER_WAY);
      }
    }
  }

  private boolean allWait() {
    for (int i = 0; i < STREAMS; i++) {
      if (read.get(i) <= BEFORE) {
        return false;
      }
    }
    return true;
  }

  private static void kill(Pipeline pipeline, int stage) {
    Adapter.toClassic(pipeline.system())
        .actorSelection("/user/node/shard-" + stage + "-*")
        .tell(PoisonPill.getInstance(), ActorRef.noSender());
  }
}
