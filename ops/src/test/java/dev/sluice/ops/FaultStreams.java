package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import akka.stream.javadsl.Sink;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.awaitility.Awaitility;

/**
 * Four streams, two greedy and two sampled, whose reader takes so many tokens a second, and the
 * last of them only when {@link #answers} is asked for: so that whatever happens before is in the
 * middle of all of them, on any machine.
 */
final class FaultStreams {
  static final int STREAMS = 4;
  static final int TOKENS = 240;
  private static final int PROMPT = 40;
  private static final int PER_SECOND = 40;

  /** So many tokens are left unread until the end; more than a head brings out ahead of readers. */
  private static final int LAST = 40;

  private final CompletableFuture<Void> mayEnd = new CompletableFuture<>();
  private final AtomicIntegerArray tokens = new AtomicIntegerArray(STREAMS);
  private final List<CompletableFuture<List<Integer>>> answers = new ArrayList<>();

  private FaultStreams(TokenGenerator generator, ActorSystem<?> system, int perSecond) {
    for (int i = 0; i < STREAMS; i++) {
      int stream = i;
      answers.add(
          generator
              .generate(request(i))
              .throttle(perSecond, Duration.ofSeconds(1))
              .filter(TokenEvent.Token.class::isInstance)
              .map(event -> ((TokenEvent.Token) event).id())
              .mapAsync(1, token -> read(stream, token))
              .runWith(Sink.seq(), system)
              .toCompletableFuture());
    }
  }

  /** Streams that are read slowly. */
  static FaultStreams start(TokenGenerator generator, ActorSystem<?> system) {
    return new FaultStreams(generator, system, PER_SECOND);
  }

  /** What the streams say in one process, where nothing fails. */
  static List<List<Integer>> alone(Path model) {
    PipelineOptions options =
        PipelineOptions.builder().contextTokens(1024).maxSequences(STREAMS).build();
    try (GgufFile file = GgufFile.open(model);
        Pipeline pipeline = Pipeline.start(file, options)) {
      return undisturbed(pipeline.generator(), pipeline.system());
    }
  }

  /** What the streams say where nothing fails. */
  static List<List<Integer>> undisturbed(TokenGenerator generator, ActorSystem<?> system) {
    return new FaultStreams(generator, system, 1_000_000).answers();
  }

  private CompletionStage<Integer> read(int stream, int token) {
    return tokens.incrementAndGet(stream) <= TOKENS - LAST
        ? CompletableFuture.completedStage(token)
        : mayEnd.thenApply(_ -> token);
  }

  private static TokenRequest request(int stream) {
    int[] prompt = new int[PROMPT];
    Arrays.setAll(prompt, i -> 260 + (stream * 7 + i * 3) % 200);
    SamplingParameters sampling =
        stream % 2 == 0
            ? SamplingParameters.GREEDY
            : SamplingParameters.builder().temperature(0.9f).seed(stream).build();
    return new TokenRequest(prompt, sampling, TOKENS, new int[0], false);
  }

  /** Waits until every stream has brought so many tokens more than now, or all but the last. */
  void awaitMore(int more) {
    int[] wanted = new int[STREAMS];
    Arrays.setAll(wanted, i -> Math.min(tokens.get(i) + more, TOKENS - LAST));
    Awaitility.await("tokens of every stream")
        .atMost(FaultCluster.LIMIT)
        .until(
            () -> {
              for (int i = 0; i < STREAMS; i++) {
                if (tokens.get(i) < wanted[i] && !answers.get(i).isDone()) {
                  return false;
                }
              }
              return true;
            });
  }

  /** Lets the reader take the last tokens, and waits for the end of all. */
  List<List<Integer>> answers() {
    mayEnd.complete(null);
    List<List<Integer>> all = new ArrayList<>();
    for (CompletableFuture<List<Integer>> answer : answers) {
      all.add(answer.orTimeout(FaultCluster.LIMIT.toSeconds(), TimeUnit.SECONDS).join());
    }
    return all;
  }
}
