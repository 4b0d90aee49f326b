package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Sink;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever the number of stages, the companions, the chunks, the threads, the links and the pages:
 * the same events, bit for bit, as of a lone run on one stage. A failure names the seed of its
 * draw.
 */
@Timeout(300)
final class DeterminismTest {
  private static final int DRAWS = 12;
  private static final long FIRST_SEED = 20_261;

  @TempDir Path folder;

  @Test
  void shouldGiveTheSameBitsHoweverItIsRun() throws Exception {
    for (long seed = FIRST_SEED; seed < FIRST_SEED + DRAWS; seed++) {
      Random random = new Random(seed);
      int layers = 2 + random.nextInt(4);
      GgmlType type = random.nextBoolean() ? GgmlType.Q8_0 : GgmlType.F32;
      KvType kvType = random.nextBoolean() ? KvType.F16 : KvType.F32;
      Path model = TinyModel.write(folder, layers, type, seed);
      try (GgufFile file = GgufFile.open(model)) {
        check(file, layers, kvType, random, "seed " + seed);
      }
    }
  }

  @Test
  void shouldGiveTheSameBitsOfFixtures() throws Exception {
    for (String name : List.of("llama256-q4_k_m", "gemma3-f32", "qwen3-f32")) {
      try (GgufFile file = GgufFile.open(Fixtures.file("models/" + name + ".gguf"))) {
        int layers =
            (int)
                file.metadata()
                    .integer(file.metadata().string("general.architecture") + ".block_count");
        check(file, layers, KvType.F32, new Random(7), name);
      }
    }
  }

  private static void check(GgufFile file, int layers, KvType kvType, Random random, String what)
      throws Exception {
    List<TokenRequest> requests = new ArrayList<>();
    int companions = 2 + random.nextInt(4);
    for (int i = 0; i < companions; i++) {
      requests.add(request(random));
    }
    PipelineOptions plain =
        PipelineOptions.builder()
            .threads(1)
            .kvType(kvType)
            .contextTokens(TinyModel.CONTEXT)
            .build();
    List<List<TokenEvent>> alone = new ArrayList<>();
    try (Pipeline pipeline = Pipeline.start(file, plain)) {
      for (TokenRequest request : requests) {
        alone.add(events(run(pipeline, request)));
      }
    }
    int chunk = 1 + random.nextInt(40);
    int sequences = 1 + random.nextInt(companions);
    PipelineOptions drawn =
        PipelineOptions.builder()
            .stages(1 + random.nextInt(layers))
            .threads(1 + random.nextInt(3))
            .kvType(kvType)
            .contextTokens(TinyModel.CONTEXT)
            .kvTokens(TinyModel.CONTEXT * (1 + random.nextInt(companions)))
            .pageTokens(1 + random.nextInt(40))
            .link(random.nextBoolean() ? LinkKind.IPC : LinkKind.UDP)
            .maxSequences(sequences)
            .prefillChunk(chunk)
            .tokenBudget(sequences + 1 + random.nextInt(50))
            .unreadLimit(2 + random.nextInt(20))
            .build();
    try (Pipeline pipeline = Pipeline.start(file, drawn)) {
      List<CompletableFuture<List<TokenEvent>>> together = new ArrayList<>();
      for (TokenRequest request : requests) {
        together.add(run(pipeline, request));
      }
      for (int i = 0; i < requests.size(); i++) {
        assertThat(events(together.get(i)))
            .as("%s, request %d, %s", what, i, drawn)
            .isEqualTo(alone.get(i));
      }
    }
  }

  /** All events but the last, which tells of time. Floats in them are equal bit for bit. */
  private static List<TokenEvent> events(CompletableFuture<List<TokenEvent>> running)
      throws Exception {
    List<TokenEvent> events = running.get(120, TimeUnit.SECONDS);
    assertThat(events.getLast()).isInstanceOf(TokenEvent.Finished.class);
    return events.subList(0, events.size() - 1);
  }

  private static TokenRequest request(Random random) {
    int[] prompt = random.ints(1 + random.nextInt(70), 0, TinyModel.VOCABULARY).toArray();
    SamplingParameters sampling =
        random.nextInt(3) == 0
            ? SamplingParameters.GREEDY
            : SamplingParameters.builder()
                .seed(random.nextLong())
                .temperature(0.5f + random.nextFloat())
                .repetitionPenalty(1.1f)
                .topLogprobs(random.nextInt(4))
                .build();
    return new TokenRequest(
        prompt, sampling, 1 + random.nextInt(40), new int[0], random.nextInt(3) == 0);
  }

  private static CompletableFuture<List<TokenEvent>> run(Pipeline pipeline, TokenRequest request) {
    return pipeline
        .generator()
        .generate(request)
        .runWith(Sink.seq(), pipeline.system())
        .toCompletableFuture();
  }
}
