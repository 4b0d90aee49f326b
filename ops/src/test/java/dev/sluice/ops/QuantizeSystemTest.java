package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice quantize} and {@code --lora} as processes of their own. */
class QuantizeSystemTest {
  private static final int WIDTH = 32;

  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");
  private Path out = Path.of("");

  @BeforeEach
  void writeModel() {
    model = folder.resolve("model.gguf");
    out = folder.resolve("out.gguf");
    StartupArchive.write(model);
  }

  private SluiceProcess.Result sluice(Object... arguments) throws Exception {
    return SluiceProcess.run(
        folder, Stream.of(arguments).map(Object::toString).toArray(String[]::new));
  }

  @Test
  void shouldWriteAModelThatRuns() throws Exception {
    SluiceProcess.Result result =
        sluice("quantize", model, out, "q4_k", "--keep=blk.1.*", "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.err()).contains("blocks of 256: Q5_0 instead");
    JsonNode json = Fixtures.json(result.out());
    assertThat(json.get("type").textValue()).isEqualTo("Q4_K");
    assertThat(json.get("bytes").longValue()).isLessThan(json.get("bytes_before").longValue());
    try (GgufFile file = GgufFile.open(out)) {
      assertThat(json.get("tensors")).hasSize(file.tensors().size());
      assertThat(file.tensor("blk.0.attn_q.weight").type()).isEqualTo(GgmlType.Q5_0);
      assertThat(file.tensor("blk.1.attn_q.weight").type()).isEqualTo(GgmlType.F32);
    }
    SluiceProcess.Result run = sluice("run", "-m", out, "-n", "4", "--temp=0", "ab");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isNotBlank();
  }

  @Test
  void shouldRunWithAnAdapterAsWithTheMergedModel() throws Exception {
    Path adapter = adapter(WIDTH);
    SluiceProcess.Result merge =
        sluice("quantize", model, out, "f32", "--lora=" + adapter + "=0.5");
    assertThat(merge.exitCode()).as(merge.err()).isZero();
    double merged = perplexity("-m", out);
    double beside = perplexity("-m", model, "--lora=" + adapter + "=0.5", "--stages=2");
    double without = perplexity("-m", model);
    assertThat(Math.abs(Math.log(beside / merged))).isLessThan(1e-4);
    assertThat(Math.abs(Math.log(without / merged))).isGreaterThan(1e-3);
  }

  private double perplexity(Object... options) throws Exception {
    Stream<Object> arguments =
        Stream.concat(
            Stream.of("score", "--ids=1,300,301,302,270,280", "--json"), Stream.of(options));
    SluiceProcess.Result result = sluice(arguments.toArray());
    assertThat(result.exitCode()).as(result.err()).isZero();
    return Fixtures.json(result.out()).get("perplexity").doubleValue();
  }

  @Test
  void shouldRefuseAnAdapterForAnotherShape() throws Exception {
    SluiceProcess.Result result = sluice("run", "-m", model, "--lora", adapter(WIDTH + 1), "ab");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err().lines().filter(line -> !line.startsWith("WARNING:"))).hasSize(1);
    assertThat(result.err())
        .contains("adapter.gguf: adapts the tensor blk.0.attn_q.weight of shape [33, 33]")
        .contains("it has shape [32, 32]")
        .doesNotContain("\tat ");
    assertThat(result.out()).isEmpty();
  }

  private Path adapter(int width) {
    return TestAdapter.write(folder.resolve("adapter.gguf"), width);
  }
}
