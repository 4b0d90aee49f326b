package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.mill.SluiceMill;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Verbs without {@code --model}, with a small model in the place of the one that comes along. */
class ShippedModelTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void shouldRunTheModelThatComesAlongAndSaySo() throws Exception {
    Path resources = folder.resolve("resources");
    Path model = resources.resolve("dev/sluice/model/mill/" + SluiceMill.NAME + ".gguf");
    Files.createDirectories(model.getParent());
    StartupArchive.write(model);

    SluiceProcess.Result run = run(resources, "run", "--temp", "0", "-n", "4", "ab");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isNotBlank();
    assertThat(run.err().lines().filter(line -> line.startsWith("sluice: ")))
        .containsExactly("sluice: no --model: using sluice-mill, which comes with Sluice");

    SluiceProcess.Result tokenize = run(resources, "tokenize", "ab");
    assertThat(tokenize.exitCode()).as(tokenize.err()).isZero();
    assertThat(tokenize.out()).contains("\ta\n");
    assertThat(tokenize.err()).contains("using sluice-mill");
  }

  private SluiceProcess.Result run(Path resources, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(SluiceProcess.command());
    int classPath = command.indexOf("-cp") + 1;
    command.set(classPath, resources + File.pathSeparator + command.get(classPath));
    command.addAll(List.of(arguments));
    try (SluiceProcess process = SluiceProcess.startCommand(folder, command)) {
      return process.awaitWithoutInput();
    }
  }
}
