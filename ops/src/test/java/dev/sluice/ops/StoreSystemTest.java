package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice pull}, {@code list} and {@code rm}, and a pulled model run by its name. */
class StoreSystemTest {
  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");

  @BeforeEach
  void writeModel() {
    model = folder.resolve("my.gguf");
    StartupArchive.write(model);
  }

  private SluiceProcess.Result sluice(Object... arguments) throws Exception {
    return SluiceProcess.run(
        folder,
        Stream.concat(Stream.of(arguments), Stream.of("--store=" + folder.resolve("store")))
            .map(Object::toString)
            .toArray(String[]::new));
  }

  @Test
  void shouldRunAPulledModelByItsName() throws Exception {
    SluiceProcess.Result pull = sluice("pull", model, "--name=tiny:v1");
    assertThat(pull.exitCode()).as(pull.err()).isZero();
    assertThat(pull.out()).startsWith("tiny:v1: ");
    JsonNode entry = Fixtures.json(sluice("list", "--json").out()).get("models").get(0);
    assertThat(entry.get("names").get(0).textValue()).isEqualTo("tiny:v1");
    assertThat(entry.get("bytes_present")).isEqualTo(entry.get("bytes"));
    SluiceProcess.Result stored = sluice("run", "-m", "tiny:v1", "-n", "4", "--temp=0", "ab");
    assertThat(stored.exitCode()).as(stored.err()).isZero();
    SluiceProcess.Result file = sluice("run", "-m", model, "-n", "4", "--temp=0", "ab");
    assertThat(stored.out()).isEqualTo(file.out()).isNotBlank();
    assertThat(sluice("rm", "tiny:v1").exitCode()).isZero();
    SluiceProcess.Result gone = sluice("run", "-m", "tiny:v1", "-n", "4", "ab");
    assertThat(gone.exitCode()).isEqualTo(1);
    assertThat(gone.err())
        .contains("sluice: tiny:v1: no such file (--model), and no model of that");
  }

  @Test
  void shouldTakeNoNameForAPath() throws Exception {
    SluiceProcess.Result result = sluice("pull", model, "--name=../../evil");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("'../../evil' is no name of a model");
    assertThat(sluice("rm", "../x").err()).contains("there is no store of models at");
  }
}
