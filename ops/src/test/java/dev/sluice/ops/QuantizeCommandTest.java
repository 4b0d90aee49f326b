package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code sluice quantize} refuses. */
class QuantizeCommandTest {
  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");
  private Path out = Path.of("");

  @BeforeEach
  void writeModel() {
    model = folder.resolve("model.gguf");
    out = folder.resolve("out.gguf");
    StartupArchive.write(model);
  }

  /** The message of the failure that the command line ends with. */
  private static String failure(Object... arguments) {
    List<String> messages = new ArrayList<>();
    CommandLine line = new CommandLine(new QuantizeCommand());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(
        (failure, _, _) -> {
          messages.add(String.valueOf(failure.getMessage()));
          return 1;
        });
    int code = line.execute(Stream.of(arguments).map(Object::toString).toArray(String[]::new));
    assertThat(code).isEqualTo(1);
    assertThat(messages).hasSize(1);
    return messages.getFirst();
  }

  @Test
  void shouldLeaveTheModelThatItReadsAlone() throws IOException {
    byte[] before = Files.readAllBytes(model);
    Path link = Files.createSymbolicLink(folder.resolve("link.gguf"), model);
    assertThat(failure(model, link, "q8_0")).contains("link.gguf: is the model that is read");
    assertThat(failure(model, model, "q8_0")).contains("is the model that is read");
    assertThat(Files.readAllBytes(model)).isEqualTo(before);
  }

  @Test
  void shouldSayWhatIsWrongWithItsArguments() {
    assertThat(failure(model, out, "iq4_xs"))
        .contains("nothing can be quantized to IQ4_XS", "Q4_K, Q5_K, Q6_K");
    assertThat(failure(model, out, "q8_0", "--keep=x*")).contains("--keep 'x*': no tensor of");
    assertThat(failure(model, out, "q8_0", "--threads=0")).contains("--threads 0");
    assertThat(failure(folder.resolve("no.gguf"), out, "q8_0")).contains("no.gguf", "no such file");
    assertThat(failure(model, folder.resolve("no/out.gguf"), "f32")).contains("no such folder");
    assertThat(failure(model, folder, "f32")).contains("is a folder");
    assertThat(out).doesNotExist();
  }

  @Test
  void shouldSayWhatIsWrongWithAnAdapter() {
    Path adapter = TestAdapter.write(folder.resolve("adapter.gguf"), 33);
    assertThat(failure(model, out, "f16", "--lora", adapter))
        .contains("adapter.gguf: adapts the tensor blk.0.attn_q.weight of shape [33, 33]")
        .contains("it has shape [32, 32]");
    assertThat(failure(model, out, "f16", "--lora", model)).contains("is no LoRA adapter");
    assertThat(failure(model, out, "f16", "--lora", adapter + "=much"))
        .contains("'much' is no scale");
    assertThat(failure(model, out, "f16", "--lora", adapter + "=NaN"))
        .contains("'NaN' is no scale");
    assertThat(failure(model, out, "f16", "--lora", "none.gguf=0.5"))
        .contains("none.gguf: there is no such file");
    assertThat(out).doesNotExist();
  }
}
