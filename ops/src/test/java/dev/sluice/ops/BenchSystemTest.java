package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchSystemTest {
  @TempDir private Path folder = Path.of("");
  private String model = "";

  @BeforeEach
  void write() {
    Path file = folder.resolve("model.gguf");
    StartupArchive.write(file);
    model = file.toString();
  }

  private SluiceProcess.Result bench(String... more) throws Exception {
    String[] all = new String[more.length + 3];
    System.arraycopy(new String[] {"bench", "-m", model}, 0, all, 0, 3);
    System.arraycopy(more, 0, all, 3, more.length);
    return SluiceProcess.run(folder, all);
  }

  @Test
  void shouldMeasureEachCombination() throws Exception {
    SluiceProcess.Result result =
        bench("-p", "5", "-n", "3", "-t", "1", "--stages", "1,2", "-b", "1,3", "-r", "2", "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    List<String> lines = result.lines();
    assertThat(lines).hasSize(4);
    for (String line : lines) {
      JsonNode json = Fixtures.json(line);
      assertThat(json.get("pp_tokens_per_s").doubleValue()).isPositive();
      assertThat(json.get("tg_tokens_per_s").doubleValue()).isPositive();
      assertThat(json.get("kernels").textValue()).matches("(native|java), .*");
    }
    assertThat(Fixtures.json(lines.get(3)).get("stages").intValue()).isEqualTo(2);
    assertThat(Fixtures.json(lines.get(3)).get("batch").intValue()).isEqualTo(3);
  }

  @Test
  void shouldPrintATable() throws Exception {
    SluiceProcess.Result result = bench("-p", "5,9", "-n", "3", "-t", "1", "-r", "1");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.lines()).hasSize(4);
    assertThat(result.out()).contains("pp5", "pp9", "tg3", "tokens/s");
  }

  @Test
  void shouldSayWhatDoesNotFit() throws Exception {
    SluiceProcess.Result result = bench("-p", "100000");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("100001 tokens do not fit into the model's context");
  }

  @Test
  void shouldPutAServerUnderLoad() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(
            folder,
            "bench",
            "serve",
            "-m",
            model,
            "--rate",
            "20",
            "--seconds",
            "1",
            "--streams",
            "5",
            "-n",
            "8",
            "--different",
            "3",
            "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode json = Fixtures.json(result.out());
    assertThat(json.get("complete").intValue())
        .isPositive()
        .isEqualTo(json.get("requests").intValue());
    assertThat(json.get("differing").intValue()).isZero();
    assertThat(json.at("/first_token_ms/p99").doubleValue()).isPositive();
    assertThat(json.at("/memory/end/heap_bytes").longValue()).isPositive();
  }
}
