package dev.sluice.model.shard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.model.Fixtures;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import java.io.IOException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What other engines answer for the fixture models, and shards of them too. */
class GoldenTest {
  private static final double TOLERANCE = 1e-3;
  private static final int CHUNK = 40;
  private static final WorkerPool POOL = new WorkerPool(2);

  @AfterAll
  static void closePool() {
    POOL.close();
  }

  private static final class Golden {
    private final int[] prompt;
    private final int[] greedy;
    private final JsonNode positions;

    private Golden(int[] prompt, int[] greedy, JsonNode positions) {
      this.prompt = prompt;
      this.greedy = greedy;
      this.positions = positions;
    }

    static Golden of(String model) throws IOException {
      JsonNode json =
          new ObjectMapper().readTree(Fixtures.path("golden/" + model + ".json").toFile());
      return new Golden(ids(json.get("prompt")), ids(json.get("greedy")), json.get("positions"));
    }

    private static int[] ids(JsonNode array) {
      return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama-f32",
        "qwen2-f32",
        "qwen3-f32",
        "gemma3-f32",
        "llama256-bf16",
        "llama256-q4_k_m",
        "llama256-q5_k_m",
        "llama256-q6_k"
      })
  void shouldGiveGoldenLogitsAndTokensWithOneTwoAndFourShards(String model) throws IOException {
    Golden golden = Golden.of(model);
    try (GgufFile file = GgufFile.open(Fixtures.path("models/" + model + ".gguf"))) {
      int layers = ModelSpec.of(file).layers();
      for (int stages : new int[] {1, 2, 4}) {
        try (ShardChain chain =
            new ShardChain(file, options(KvType.F32), POOL, ShardChain.evenCuts(layers, stages))) {
          checkTeacherForced(chain, golden, TOLERANCE);
          checkGreedy(chain, golden);
        }
      }
    }
  }

  /** Half-precision keys and values: no longer the golden precision, but still the same tokens. */
  @ParameterizedTest
  @CsvSource({"llama-f32, 0.03", "gemma3-f32, 0.03"})
  void shouldStayNearGoldenLogitsWithHalfPrecisionCache(String model, double tolerance)
      throws IOException {
    Golden golden = Golden.of(model);
    try (GgufFile file = GgufFile.open(Fixtures.path("models/" + model + ".gguf"));
        ShardChain chain = new ShardChain(file, options(KvType.F16), POOL)) {
      checkTeacherForced(chain, golden, tolerance);
    }
  }

  /** Activations rounded to 12 bits: the same tokens again. */
  @ParameterizedTest
  @ValueSource(strings = {"llama256-q8_0", "llama256-q4_0"})
  void shouldStayNearGoldenLogitsAndGiveTheSameTokensWithPackedWeights(String model)
      throws IOException {
    Golden golden = Golden.of(model);
    try (GgufFile file = GgufFile.open(Fixtures.path("models/" + model + ".gguf"))) {
      int layers = ModelSpec.of(file).layers();
      for (int stages : new int[] {1, 2, 4}) {
        try (ShardChain chain =
            new ShardChain(file, options(KvType.F32), POOL, ShardChain.evenCuts(layers, stages))) {
          checkTeacherForced(chain, golden, 0.05);
          checkGreedy(chain, golden);
        }
      }
    }
  }

  private static ShardOptions options(KvType type) {
    return new ShardOptions(new LayerRange(0, 1), type, 512, 2, 128, CHUNK);
  }

  private static void checkTeacherForced(ShardChain chain, Golden golden, double tolerance) {
    int[] ids =
        IntStream.concat(IntStream.of(golden.prompt), IntStream.of(golden.greedy)).toArray();
    MicroBatch batch = new MicroBatch(1);
    int positions = golden.positions.size();
    assertThat(positions).isEqualTo(ids.length - 1);
    for (int start = 0; start < positions; start += CHUNK) {
      int count = Math.min(CHUNK, positions - start);
      int[] chunk = IntStream.range(start, start + count).map(i -> ids[i]).toArray();
      chain.step(batch, 0, start, MicroBatch.ALL_LOGITS, chunk);
      assertThat(batch.failure(0)).isEqualTo(MicroBatch.FINE);
      for (int t = 0; t < count; t++) {
        check(chain.logits(t), golden.positions.get(start + t), start + t, tolerance);
      }
    }
    chain.release(0);
  }

  private static void check(float[] logits, JsonNode expected, int position, double tolerance) {
    double max = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    double sum =
        IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i] - max)).sum();
    assertThat(max + Math.log(sum))
        .as("log-sum-exp at position %d", position)
        .isCloseTo(expected.get("lse").asDouble(), within(tolerance));
    for (JsonNode top : expected.get("top")) {
      assertThat((double) logits[top.get(0).asInt()])
          .as("logit of token %s at position %d", top.get(0), position)
          .isCloseTo(top.get(1).asDouble(), within(tolerance));
    }
  }

  private static void checkGreedy(ShardChain chain, Golden golden) {
    MicroBatch batch = new MicroBatch(1);
    chain.step(batch, 1, 0, MicroBatch.LAST_LOGITS, golden.prompt);
    int[] tokens = new int[golden.greedy.length];
    for (int i = 0; i < tokens.length; i++) {
      float[] logits = chain.logits(0);
      for (int token = 1; token < logits.length; token++) {
        tokens[i] = logits[token] > logits[tokens[i]] ? token : tokens[i];
      }
      chain.step(batch, 1, golden.prompt.length + i, MicroBatch.LAST_LOGITS, tokens[i]);
    }
    assertThat(tokens).isEqualTo(golden.greedy);
    chain.release(1);
  }
}
