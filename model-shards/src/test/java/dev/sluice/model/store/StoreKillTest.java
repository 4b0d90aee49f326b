package dev.sluice.model.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.gguf.GgufFile;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that fills a store is killed; what is there afterwards is right. */
final class StoreKillTest {
  @TempDir private Path folder;

  @Test
  @Timeout(180)
  void shouldGoOnAfterAKilledProcess() throws Exception {
    Path source = LargeModel.write(folder, 3, 1);
    Path store = folder.resolve("store");
    kill(source, store, "kept 1");
    try (GgufFile file = GgufFile.open(source);
        StoredModel model = open(store, file)) {
      assertThat(model.has(0) && model.has(1)).as("what was flushed is there").isTrue();
      assertThat(model.verify()).as("chunks that are not as they should be").isZero();
    }
    kill(source, store, "writing 3");
    try (GgufFile file = GgufFile.open(source);
        StoredModel model = open(store, file)) {
      assertThat(model.verify()).as("chunks that are not as they should be").isZero();
      for (int chunk = 0; chunk < model.manifest().chunks(); chunk++) {
        assertThat(model.write(chunk, StoreFiller.chunk(file, model.manifest(), chunk))).isTrue();
      }
      try (GgufFile whole = model.open(Portion.whole())) {
        assertThat(Manifest.of(whole).id()).isEqualTo(model.manifest().id());
      }
    }
  }

  private static StoredModel open(Path store, GgufFile file) {
    return ModelStore.open(store, 1L << 40).find(Manifest.of(file).id()).orElseThrow();
  }

  /** Starts to fill the store, and kills (SIGKILL) when it says {@code when}. */
  private static void kill(Path source, Path store, String when) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                StoreFiller.class.getName(),
                source.toString(),
                store.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
      String line = said.readLine();
      while (line != null && !line.equals(when)) {
        line = said.readLine();
      }
      assertThat(line).isEqualTo(when);
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(128 + 9);
  }
}
