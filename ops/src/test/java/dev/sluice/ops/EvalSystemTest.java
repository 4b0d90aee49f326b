package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice eval} on a model that has learnt nothing, as a process of its own. */
class EvalSystemTest {
  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");

  @BeforeEach
  void writeModel() {
    model = folder.resolve("model.gguf");
    StartupArchive.write(model);
  }

  private SluiceProcess.Result eval(String... options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("eval", "-m", model.toString(), "-n", "2"));
    arguments.addAll(Arrays.asList(options));
    return SluiceProcess.run(folder, arguments.toArray(String[]::new));
  }

  @Test
  void shouldGiveTheSameNumbersHoweverManyRunAtOnce() throws Exception {
    SluiceProcess.Result once =
        eval("--tasks=stories,additions,perplexity", "--max-tokens=8", "--json", "--parallel=1");
    SluiceProcess.Result again =
        eval("--tasks=stories,additions,perplexity", "--max-tokens=8", "--json", "--stages=2");
    assertThat(once.exitCode()).as(once.err()).isZero();
    assertThat(again.out()).isEqualTo(once.out());
    JsonNode json = Fixtures.json(once.out());
    assertThat(json.get("prompts").textValue()).isEqualTo("plain");
    for (String task : List.of("stories", "additions")) {
      JsonNode graded = json.at("/tasks/" + task);
      assertThat(graded.get("items").intValue()).isEqualTo(2);
      assertThat(graded.get("right").intValue()).isZero();
      assertThat(graded.get("low").doubleValue()).isZero();
      assertThat(graded.get("high").doubleValue()).isBetween(0.6, 0.7);
      assertThat(graded.get("logprob_per_token").doubleValue()).isNegative();
    }
    assertThat(json.at("/tasks/perplexity/perplexity").doubleValue()).isGreaterThan(100);
  }

  @Test
  void shouldPrintATableAndWhatWasWrong() throws Exception {
    Path text = Files.writeString(folder.resolve("text.txt"), "a b a b a b");
    SluiceProcess.Result result =
        eval(
            "--tasks=additions,perplexity",
            "--text=" + text,
            "--cot",
            "--shots=2",
            "--samples=2",
            "--max-tokens=4",
            "--show-wrong=1");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.lines()).hasSize(4);
    assertThat(result.lines().get(0)).startsWith("task ").contains("95 % interval");
    assertThat(result.lines().get(1)).matches("additions +2 +[0-2] .* to .* %.*");
    assertThat(result.lines().get(2)).startsWith("perplexity ").contains("text.txt");
    assertThat(result.lines().get(3)).contains("step by step").contains("2 shots");
    assertThat(result.err()).contains("Think step by step").contains("said:").contains("right:");
  }

  @Test
  void shouldSayWhatCannotBeMeasured() throws Exception {
    SluiceProcess.Result tooLong = eval("--tasks=questions", "--shots=9");
    assertThat(tooLong.exitCode()).isEqualTo(1);
    assertThat(tooLong.err()).contains("questions").contains("9 examples").contains("--ctx");
    SluiceProcess.Result none = eval("--text=" + folder.resolve("none.txt"));
    assertThat(none.exitCode()).isEqualTo(1);
    assertThat(none.err()).contains("none.txt");
  }
}
