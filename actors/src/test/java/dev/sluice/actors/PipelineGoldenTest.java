package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import akka.stream.javadsl.Sink;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fixture's greedy tokens come out of a pipeline of any length, over both kinds of links. */
final class PipelineGoldenTest {
  @ParameterizedTest
  @CsvSource({"1,IPC", "2,IPC", "4,IPC", "1,UDP", "2,UDP", "4,UDP"})
  void shouldGiveGoldenGreedyTokens(int stages, LinkKind link) throws Exception {
    JsonNode golden = golden();
    int[] prompt = ids(golden.get("prompt"));
    int[] greedy = ids(golden.get("greedy"));
    PipelineOptions options =
        PipelineOptions.builder().stages(stages).threads(2).link(link).build();
    try (GgufFile file = GgufFile.open(Fixtures.file("models/llama-f32.gguf"));
        Pipeline pipeline = Pipeline.start(file, options)) {
      TokenRequest request =
          new TokenRequest(prompt, SamplingParameters.GREEDY, greedy.length, new int[0], false);
      List<TokenEvent> events =
          pipeline
              .generator()
              .generate(request)
              .runWith(Sink.seq(), pipeline.system())
              .toCompletableFuture()
              .get(60, TimeUnit.SECONDS);
      int[] ids =
          IntStream.range(0, events.size() - 1)
              .map(i -> ((TokenEvent.Token) events.get(i)).id())
              .toArray();
      assertThat(ids).isEqualTo(greedy);
      assertThat(events.getLast()).isInstanceOf(TokenEvent.Finished.class);
    }
  }

  @Test
  void shouldScoreEveryPositionAsTheFixtureSays() throws Exception {
    JsonNode golden = golden();
    int[] prompt = ids(golden.get("prompt"));
    int[] greedy = ids(golden.get("greedy"));
    int[] all =
        IntStream.concat(Arrays.stream(prompt), Arrays.stream(greedy))
            .limit(golden.get("positions").size())
            .toArray();
    PipelineOptions options =
        PipelineOptions.builder().stages(4).threads(2).maxLogitRows(11).build();
    SamplingParameters top = SamplingParameters.builder().temperature(0).topLogprobs(5).build();
    try (GgufFile file = GgufFile.open(Fixtures.file("models/llama-f32.gguf"));
        Pipeline pipeline = Pipeline.start(file, options)) {
      List<TokenEvent> events =
          pipeline
              .generator()
              .generate(new TokenRequest(all, top, 0, new int[0], true))
              .runWith(Sink.seq(), pipeline.system())
              .toCompletableFuture()
              .get(60, TimeUnit.SECONDS);
      assertThat(events).hasSize(all.length + 1);
      for (int i = 0; i < all.length; i++) {
        TokenEvent.Scored scored = (TokenEvent.Scored) events.get(i);
        JsonNode expected = golden.get("positions").get(i);
        assertThat(scored.position()).isEqualTo(i);
        assertThat(scored.logSumExp())
            .isCloseTo((float) expected.get("lse").asDouble(), within(1e-3f));
        for (int k = 0; k < 5; k++) {
          assertThat(scored.top().get(k).logit())
              .isCloseTo((float) expected.get("top").get(k).get(1).asDouble(), within(1e-3f));
        }
      }
    }
  }

  @Test
  void shouldRunTheReferenceBackend() throws Exception {
    JsonNode golden = golden();
    int[] greedy = Arrays.copyOf(ids(golden.get("greedy")), 8);
    PipelineOptions options =
        PipelineOptions.builder().stages(2).backend(Backend.ND4J).contextTokens(256).build();
    try (GgufFile file = GgufFile.open(Fixtures.file("models/llama-f32.gguf"));
        Pipeline pipeline = Pipeline.start(file, options)) {
      TokenRequest request =
          new TokenRequest(
              ids(golden.get("prompt")), SamplingParameters.GREEDY, 8, new int[0], false);
      List<TokenEvent> events =
          pipeline
              .generator()
              .generate(request)
              .runWith(Sink.seq(), pipeline.system())
              .toCompletableFuture()
              .get(100, TimeUnit.SECONDS);
      assertThat(
              events.stream()
                  .filter(TokenEvent.Token.class::isInstance)
                  .mapToInt(e -> ((TokenEvent.Token) e).id()))
          .containsExactly(Arrays.stream(greedy).boxed().toArray(Integer[]::new));
    }
  }

  static JsonNode golden() throws IOException {
    return new ObjectMapper().readTree(Fixtures.file("golden/llama-f32.json").toFile());
  }

  static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }
}
