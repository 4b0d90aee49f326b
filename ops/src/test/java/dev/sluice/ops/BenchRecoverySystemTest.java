package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(600)
class BenchRecoverySystemTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void shouldKillANodeAndTellWhatThatCost() throws Exception {
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    try (SluiceProcess bench =
        SluiceProcess.start(
            folder, "bench", "recovery", "-m", model.toString(), "--faults=1", "--json")) {
      Awaitility.await("the benchmark's end")
          .atMost(Duration.ofMinutes(8))
          .until(() -> !bench.alive());
      SluiceProcess.Result result = bench.await();
      assertThat(result.exitCode()).as(result.err()).isZero();
      JsonNode json = Fixtures.json(result.out());
      assertThat(json.get("model").textValue()).isEqualTo("model.gguf");
      assertThat(json.get("keep").textValue()).isEqualTo("log");
      assertThat(json.get("faults").intValue()).isOne();
      double first = json.get("next_token_s_p50").doubleValue();
      assertThat(first).isPositive();
      assertThat(json.get("all_streams_s_p50").doubleValue()).isGreaterThanOrEqualTo(first);
      assertThat(json.get("noticed_s_p99").doubleValue()).isPositive();
      assertThat(result.err()).contains("fault 1 of 1: noticed after");
    }
  }

  @Test
  void shouldSayWhatIsNotPossible() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(folder, "bench", "recovery", "--nodes=2", "--stages=3");
    assertThat(result.exitCode()).isOne();
    assertThat(result.err()).contains("--stages 3: must be from 1 to 2");
  }

  @Test
  void shouldTakeTheEndOfTheLongestPauseForTheNextToken() {
    // What was on its way comes at once; then nothing until 900.
    assertThat(EndlessStreams.endOfLongestPause(new long[] {80, 90, 105, 110, 1000, 1400}, 100))
        .isEqualTo(900);
    assertThat(EndlessStreams.endOfLongestPause(new long[] {80, 600, 610}, 100)).isEqualTo(500);
  }

  @Test
  void shouldTakePercentilesByRank() {
    double[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assertThat(BenchRecoveryCommand.percentile(values, 0.5)).isEqualTo(5);
    assertThat(BenchRecoveryCommand.percentile(values, 0.99)).isEqualTo(10);
    assertThat(BenchRecoveryCommand.percentile(new double[] {7}, 0.5)).isEqualTo(7);
  }
}
