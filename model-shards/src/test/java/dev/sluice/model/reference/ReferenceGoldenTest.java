package dev.sluice.model.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.model.Fixtures;
import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What other engines answer. The fixtures ask for 1e-3; the reference computes what they were
 * computed by, so that only their six decimals and the floats between shards and in the logits are
 * left: 1e-5.
 */
class ReferenceGoldenTest {
  private static final double TOLERANCE = 1e-5;
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama-f32",
        "qwen2-f32",
        "qwen3-f32",
        "gemma3-f32",
        "llama256-bf16",
        "llama256-q8_0",
        "llama256-q4_0",
        "llama256-q4_k_m",
        "llama256-q5_k_m",
        "llama256-q6_k"
      })
  void shouldAnswerAsOtherEngines(String model) throws IOException {
    JsonNode golden = JSON.readTree(Fixtures.path("golden/" + model + ".json").toFile());
    int[] prompt = ints(golden.get("prompt"));
    int[] greedy = ints(golden.get("greedy"));
    try (GgufFile file = GgufFile.open(Fixtures.path("models/" + model + ".gguf"))) {
      int[] all = concat(prompt, greedy);
      for (int stages : List.of(1, 2, 4)) {
        try (ShardChain chain = ShardChain.reference(file, stages)) {
          String name = model + ", " + stages + " stages";
          check(golden, chain.next(0, 0, all), 0, name);
        }
      }
      try (ShardChain chain = ShardChain.reference(file, 1)) {
        List<Integer> answer = new ArrayList<>();
        double[][] logits = chain.next(1, 0, prompt);
        for (int i = 0; i < greedy.length; i++) {
          answer.add(ShardChain.argMax(logits[logits.length - 1]));
          logits = chain.next(1, prompt.length + i, answer.getLast());
          check(golden, logits, prompt.length + i, model + ", step " + i);
        }
        assertThat(answer).as(model).containsExactlyElementsOf(list(greedy));
      }
    }
  }

  private static void check(JsonNode golden, double[][] logits, int position, String name) {
    JsonNode positions = golden.get("positions");
    double worst = 0;
    for (int i = 0; i < logits.length && position + i < positions.size(); i++) {
      JsonNode expected = positions.get(position + i);
      worst =
          Math.max(
              worst, Math.abs(ShardChain.logSumExp(logits[i]) - expected.get("lse").asDouble()));
      for (JsonNode top : expected.get("top")) {
        double logit = logits[i][top.get(0).asInt()];
        worst = Math.max(worst, Math.abs(logit - top.get(1).asDouble()));
      }
    }
    assertThat(worst).as(name).isLessThan(TOLERANCE);
  }

  private static int[] ints(JsonNode array) {
    int[] ints = new int[array.size()];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = array.get(i).asInt();
    }
    return ints;
  }

  private static List<Integer> list(int[] values) {
    List<Integer> list = new ArrayList<>();
    for (int value : values) {
      list.add(value);
    }
    return list;
  }

  private static int[] concat(int[] a, int[] b) {
    int[] both = new int[a.length + b.length];
    System.arraycopy(a, 0, both, 0, a.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
