package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.training.corpus.Stories;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Verbs without {@code --model} use the model that comes along, and say so. */
class ShippedModelTest {
  private static final String BEGINNING = "Once upon a time";

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldTellAStoryThatKeepsToItsGrammar() throws Exception {
    SluiceProcess.Result run = run("run", "--temp", "0", "-n", "300", BEGINNING);
    String story = (BEGINNING + run.out()).lines().findFirst().orElse("");
    assertThat(Stories.judge(story).problem()).as(story).isEmpty();
    assertThat(run.err().lines().filter(line -> line.startsWith("sluice: ")))
        .containsExactly("sluice: no --model: using sluice-mill, which comes with Sluice");
  }

  @Test
  void shouldScoreAStoryAboveItsWordsInAnotherOrder() throws Exception {
    String story = "Once upon a time, a little mouse named Pip lived in a barn by the river.";
    String mixed = "River once lived time, a Pip a barn by in named the upon mouse a little.";
    assertThat(perplexity(story)).isLessThan(perplexity(mixed) / 10);
  }

  private double perplexity(String text) throws IOException, InterruptedException {
    return Fixtures.json(run("score", "--json", text).out()).path("perplexity").asDouble();
  }

  private SluiceProcess.Result run(String... arguments) throws IOException, InterruptedException {
    try (SluiceProcess process = SluiceProcess.start(folder, arguments)) {
      SluiceProcess.Result result = process.awaitWithoutInput();
      assertThat(result.exitCode()).as(result.err()).isZero();
      return result;
    }
  }
}
