package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line as a process of its own: real files, real links, real signals. */
class RunSystemTest {
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");

  @BeforeEach
  void writeModel() {
    model = folder.resolve("model.gguf");
    StartupArchive.write(model);
  }

  @ParameterizedTest
  @CsvSource({"llama-f32,3,ipc", "llama256-q4_k_m,2,udp"})
  void shouldStreamTheGoldenTokens(String name, int stages, String transport) throws Exception {
    JsonNode golden = Fixtures.golden(name);
    SluiceProcess.Result result =
        SluiceProcess.runWithInput(
            folder,
            golden.get("text").textValue(),
            "run",
            "--model=" + Fixtures.model(name),
            "--stages=" + stages,
            "--transport=" + transport,
            "--temp=0",
            "-n",
            "32",
            "--json",
            "-");
    assertThat(result.exitCode()).as(result.err()).isZero();
    List<Integer> ids = new ArrayList<>();
    for (String line : result.lines()) {
      JsonNode event = Fixtures.json(line);
      if (event.has("id")) {
        ids.add(event.get("id").intValue());
      } else {
        assertThat(event.get("finish_reason").textValue()).isEqualTo("length");
        assertThat(event.at("/usage/completion_tokens").intValue()).isEqualTo(32);
      }
    }
    assertThat(ids.stream().mapToInt(i -> i).toArray())
        .isEqualTo(Fixtures.ints(golden.get("greedy")));
  }

  @ParameterizedTest
  @CsvSource({"qwen3-f32,vector,4", "gemma3-f32,nd4j,2"})
  void shouldScoreAsTheGoldenLogits(String name, String backend, int stages) throws Exception {
    JsonNode golden = Fixtures.golden(name);
    String ids =
        Stream.concat(Fixtures.stream(golden.get("prompt")), Fixtures.stream(golden.get("greedy")))
            .map(JsonNode::asText)
            .reduce((a, b) -> a + "," + b)
            .orElseThrow();
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder,
            "score",
            "--model=" + Fixtures.model(name),
            "--backend=" + backend,
            "--stages=" + stages,
            "--ids=" + ids,
            "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode positions = Fixtures.json(result.out()).get("positions");
    JsonNode expected = golden.get("positions");
    assertThat(positions.size()).isGreaterThanOrEqualTo(expected.size());
    double worst = 0;
    for (int i = 0; i < expected.size(); i++) {
      worst = Math.max(worst, difference(positions.get(i).get("lse"), expected.get(i).get("lse")));
      JsonNode top = expected.get(i).get("top");
      for (int k = 0; k < top.size(); k++) {
        worst =
            Math.max(
                worst, difference(positions.get(i).get("top").get(k).get(1), top.get(k).get(1)));
      }
    }
    assertThat(worst).isLessThan(1e-3);
  }

  private static double difference(JsonNode a, JsonNode b) {
    return Math.abs(a.doubleValue() - b.doubleValue());
  }

  @Test
  void shouldGiveTheSameTextForTheSameSeedOverAnyStages() throws Exception {
    List<String> texts = new ArrayList<>();
    for (String stages : List.of("1", "2")) {
      SluiceProcess.Result result =
          SluiceProcess.run(
              folder,
              "run",
              "-m",
              model.toString(),
              "--stages",
              stages,
              "-s",
              "7",
              "-n",
              "20",
              "ab");
      assertThat(result.exitCode()).as(result.err()).isZero();
      texts.add(result.out());
    }
    assertThat(texts.get(0)).isNotBlank().isEqualTo(texts.get(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void shouldCleanUpWhenInterrupted(String signal) throws Exception {
    List<Path> before = driverFolders();
    try (SluiceProcess process =
        SluiceProcess.start(
            folder,
            "run",
            "-m",
            model.toString(),
            "--ignore-eos",
            "--stages=2",
            "--stop=never",
            "ab")) {
      await()
          .atMost(Duration.ofMinutes(1))
          .until(() -> !process.output().isEmpty() || !process.alive());
      process.signal(signal);
      SluiceProcess.Result result = process.await();
      assertThat(result.exitCode()).isIn(0, 128 + (signal.equals("INT") ? 2 : 15));
    }
    assertThat(driverFolders()).isSubsetOf(before);
  }

  @Test
  void shouldPrintDataAloneOnStandardOutput() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder, "run", "-m", model.toString(), "--temp=0", "-n", "4", "--stats", "ab");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out()).doesNotContain("tokens/s");
    assertThat(result.err()).contains("tokens/s").contains("busy").contains("hop");
  }

  /** With weights of chance: what it writes is JSON by the grammar alone. */
  @Test
  void shouldAnswerWhatTheSchemaAllows() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder,
            "run",
            "-s=3",
            "--stages=2",
            "--json-schema={\"properties\": {\"of\": {\"enum\": [\"tin\", \"ore\"]},"
                + " \"n\": {\"type\": \"integer\", \"maximum\": 9, \"minimum\": 1}},"
                + " \"required\": [\"of\", \"n\"]}",
            "What is it?");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode answer = Fixtures.json(result.out());
    assertThat(answer.get("of").textValue()).isIn("tin", "ore");
    assertThat(answer.get("n").intValue()).isBetween(1, 9);
  }

  @Test
  void shouldSayWhereAGrammarIsWrong() throws Exception {
    Path file = Files.writeString(folder.resolve("bad.gbnf"), "root ::= \"a\"\nx ::= [b");
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder, "run", "-m", model.toString(), "--grammar-file", file.toString(), "ab");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("bad.gbnf", "line 2, column 7").doesNotContain("\tat ");
  }

  @Test
  void shouldSayInOneLineWhatIsWrongWithAFile() throws Exception {
    Path bad = Files.writeString(folder.resolve("bad.gguf"), "no model at all, but a text");
    SluiceProcess.Result result = SluiceProcess.run(folder, "run", "-m", bad.toString(), "ab");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("bad.gguf").doesNotContain("\tat ");
    assertThat(result.out()).isEmpty();
  }

  @Test
  void shouldRefuseBadUsageWithTwo() throws Exception {
    assertThat(SluiceProcess.run(folder, "run", "--no-such-option").exitCode()).isEqualTo(2);
    assertThat(SluiceProcess.run(folder, "run", "ab").err()).contains("--model");
    assertThat(SluiceProcess.run(folder).exitCode()).isEqualTo(2);
  }

  @Test
  void shouldRefuseMoreStagesThanLayers() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(folder, "run", "-m", model.toString(), "--stages=4", "ab");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("4").contains("3 layers");
  }

  @Test
  void shouldTokenizeAndBack() throws Exception {
    SluiceProcess.Result tokens =
        SluiceProcess.runWithInput(
            folder, "ab 7", "tokenize", "-m", model.toString(), "--json", "-");
    JsonNode json = Fixtures.json(tokens.out());
    assertThat(json.get("ids").get(0).intValue()).isEqualTo(1);
    assertThat(json.get("ids").size()).isEqualTo(json.get("tokens").size());
    SluiceProcess.Result text =
        SluiceProcess.run(
            folder,
            "tokenize",
            "-m",
            model.toString(),
            "--decode",
            json.get("ids").toString().replaceAll("[\\[\\]]", ""));
    assertThat(text.out().strip()).isEqualTo("ab 7");
  }

  @Test
  void shouldChatOverAPipe() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.runWithInput(
            folder, "ab\n/retry\n/history\n/exit\n", "chat", "-m", model.toString(), "-n", "5");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out()).contains("user: ab").contains("assistant: ");
  }

  @Test
  void shouldPlanWithoutLoading() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder,
            "plan",
            "-m",
            model.toString(),
            "--nodes=a=1g,2,b=1g,4,c=1k",
            "--stages=2",
            "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode plan = Fixtures.json(result.out());
    assertThat(plan.get("stages").get(0).get("end_layer").intValue()).isBetween(1, 2);
    assertThat(plan.get("stages").get(1).get("end_layer").intValue()).isEqualTo(3);
    assertThat(plan.get("spares").get(0).get("node").textValue()).isEqualTo("c");
    SluiceProcess.Result refused =
        SluiceProcess.run(
            folder, "plan", "-m", model.toString(), "--nodes=a=1g,b=1k", "--stages=2");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("node b lacks");
  }

  private static List<Path> driverFolders() throws IOException {
    if (!Files.isDirectory(SHARED_MEMORY)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(SHARED_MEMORY)) {
      return files.filter(f -> f.getFileName().toString().contains("sluice")).toList();
    }
  }
}
