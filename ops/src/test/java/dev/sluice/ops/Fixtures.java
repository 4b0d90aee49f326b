package dev.sluice.ops;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.opentest4j.TestAbortedException;

/** Models with golden answers, kept beside the project; tests that need them skip without. */
final class Fixtures {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Fixtures() {}

  /** A model file. */
  static Path model(String name) {
    return file("models/" + name + ".gguf");
  }

  /** What the model answers, computed elsewhere. */
  static JsonNode golden(String name) throws IOException {
    return JSON.readTree(file("golden/" + name + ".json").toFile());
  }

  static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  static int[] ints(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  private static Path file(String name) {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path fixtures = folder.resolve("shared/fixtures");
      if (Files.isDirectory(fixtures)) {
        return fixtures.resolve(name);
      }
    }
    throw new TestAbortedException("no shared/fixtures beside the project: skipped");
  }
}
