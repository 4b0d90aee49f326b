package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorRef;
import akka.actor.PoisonPill;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.javadsl.Sink;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.mill.SluiceMill;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompts that begin alike share keys and values, and no token changes by it. */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PrefixCachePipelineTest {
  private static final int PAGE = 8;
  private static final int TOKENS = 30;

  private final GgufFile model = SluiceMill.open().orElseThrow();
  private final int[] system = new Random(1).ints(90, 300, 1500).toArray();

  /** What prompts of several kinds give where nothing is shared. */
  private List<List<Integer>> expected = List.of();

  private List<TokenRequest> requests = List.of();

  @BeforeAll
  void expect() throws Exception {
    requests = new ArrayList<>();
    requests.add(request(system, false));
    try (Pipeline alone = start(1, false, 8)) {
      List<Integer> answer = tokens(generate(alone, requests.getFirst()));
      // The next turn of the conversation, one that parts within a page, and another beginning.
      int[] turn = answer.stream().mapToInt(t -> t).toArray();
      requests.add(request(concat(system, turn, new int[] {7, 8, 9}), true));
      requests.add(request(concat(Arrays.copyOf(system, 61), new int[] {5}), false));
      requests.add(request(new Random(2).ints(40, 300, 1500).toArray(), true));
      requests.add(request(system, true));
      expected = new ArrayList<>();
      for (TokenRequest request : requests) {
        expected.add(tokens(generate(alone, request)));
      }
      assertThat(alone.stats().scheduling().reusedTokens()).isZero();
    }
  }

  @AfterAll
  void close() {
    model.close();
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
  }

  private static TokenRequest request(int[] prompt, boolean sampled) {
    SamplingParameters sampling =
        sampled
            ? SamplingParameters.builder().temperature(0.9f).seed(11).build()
            : SamplingParameters.GREEDY;
    return new TokenRequest(prompt, sampling, TOKENS, new int[0], false);
  }

  private Pipeline start(int stages, boolean prefixCache, int sequences) {
    return Pipeline.start(
        model,
        PipelineOptions.builder()
            .stages(stages)
            .threads(1)
            .contextTokens(256)
            .kvTokens(1024)
            .pageTokens(PAGE)
            .prefillChunk(16)
            .maxSequences(sequences)
            .prefixCache(prefixCache)
            .build());
  }

  private static CompletableFuture<List<TokenEvent>> generate(
      Pipeline pipeline, TokenRequest request) {
    return pipeline
        .generator()
        .generate(request)
        .runWith(Sink.seq(), pipeline.system())
        .toCompletableFuture();
  }

  private static List<Integer> tokens(CompletableFuture<List<TokenEvent>> events) throws Exception {
    List<Integer> tokens = new ArrayList<>();
    for (TokenEvent event : events.get(120, TimeUnit.SECONDS)) {
      if (event instanceof TokenEvent.Token token) {
        tokens.add(token.id());
      }
    }
    return tokens;
  }

  private static int cached(CompletableFuture<List<TokenEvent>> events) throws Exception {
    List<TokenEvent> all = events.get(120, TimeUnit.SECONDS);
    return ((TokenEvent.Finished) all.getLast()).usage().cachedTokens();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void shouldChangeNoTokenOneAfterTheOther(int stages) throws Exception {
    try (Pipeline pipeline = start(stages, true, 4)) {
      int[] wanted = {0, 90 + TOKENS - 1, 61, 0, 89};
      for (int i = 0; i < requests.size(); i++) {
        CompletableFuture<List<TokenEvent>> events = generate(pipeline, requests.get(i));
        assertThat(tokens(events)).as("request %d", i).isEqualTo(expected.get(i));
        assertThat(cached(events)).as("request %d", i).isEqualTo(wanted[i]);
      }
    }
  }

  /** The slot of the one before is taken over, where they begin alike. */
  @Test
  void shouldShareWithASingleSlot() throws Exception {
    try (Pipeline pipeline = start(2, true, 1)) {
      int[] wanted = {0, 90 + TOKENS - 1, 61, 0, 0};
      for (int i = 0; i < requests.size(); i++) {
        CompletableFuture<List<TokenEvent>> events = generate(pipeline, requests.get(i));
        assertThat(tokens(events)).as("request %d", i).isEqualTo(expected.get(i));
        assertThat(cached(events)).as("request %d", i).isEqualTo(wanted[i]);
      }
    }
  }

  @Test
  void shouldChangeNoTokenAllAtOnce() throws Exception {
    try (Pipeline pipeline = start(3, true, 3)) {
      for (int round = 0; round < 3; round++) {
        List<CompletableFuture<List<TokenEvent>>> streams =
            requests.stream().map(r -> generate(pipeline, r)).toList();
        for (int i = 0; i < streams.size(); i++) {
          assertThat(tokens(streams.get(i))).as("request %d", i).isEqualTo(expected.get(i));
        }
      }
      assertThat(pipeline.stats().scheduling().reusedTokens()).isGreaterThan(90);
    }
  }

  /** The stage that takes the range over gets shared positions from the log, as it does others. */
  @Test
  void shouldSurviveTheLossOfAStageThatShares() throws Exception {
    try (Pipeline pipeline = start(3, true, 4)) {
      assertThat(tokens(generate(pipeline, requests.getFirst()))).isEqualTo(expected.getFirst());
      AtomicBoolean lost = new AtomicBoolean();
      List<CompletableFuture<List<TokenEvent>>> streams = new ArrayList<>();
      for (int i : List.of(1, 2, 4)) {
        streams.add(
            pipeline
                .generator()
                .generate(requests.get(i))
                .map(
                    event -> {
                      boolean middle = event instanceof TokenEvent.Token;
                      if (middle && lost.compareAndSet(false, true)) {
                        kill(pipeline);
                      }
                      return event;
                    })
                .runWith(Sink.seq(), pipeline.system())
                .toCompletableFuture());
      }
      assertThat(tokens(streams.get(0))).isEqualTo(expected.get(1));
      assertThat(tokens(streams.get(1))).isEqualTo(expected.get(2));
      assertThat(tokens(streams.get(2))).isEqualTo(expected.get(4));
      assertThat(pipeline.stats().epoch()).isGreaterThan(1);
    }
  }

  private static void kill(Pipeline pipeline) {
    Adapter.toClassic(pipeline.system())
        .actorSelection("/user/node/shard-1-*")
        .tell(PoisonPill.getInstance(), ActorRef.noSender());
  }
}
