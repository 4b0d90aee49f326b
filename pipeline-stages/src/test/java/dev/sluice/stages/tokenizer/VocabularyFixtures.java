package dev.sluice.stages.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The vocabularies of real tokenizers that lie beside the project; tests skip without them. */
final class VocabularyFixtures {
  static final List<String> BYTE_LEVEL = List.of("gpt-2", "deepseek-llm", "falcon", "starcoder");
  static final List<String> SPM = List.of("llama-spm", "phi-3");
  static final List<String> ALL =
      Stream.of(BYTE_LEVEL, SPM, List.of("bert-bge")).flatMap(List::stream).toList();

  private static final String SEPARATOR = "\n__ggml_vocab_test__\n";
  private static final Map<String, Tokenizer> LOADED = new ConcurrentHashMap<>();

  private VocabularyFixtures() {}

  /** A text and its ids. */
  record Example(String text, List<Integer> ids) {
    int[] array() {
      return ids.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  static Tokenizer tokenizer(String name) {
    return LOADED.computeIfAbsent(
        name,
        n -> {
          try (GgufFile file = GgufFile.open(file(n))) {
            return Tokenizer.of(file.metadata());
          }
        });
  }

  static Path file(String name) {
    return folder().resolve("ggml-vocab-" + name + ".gguf");
  }

  static List<Example> examples(String name) {
    try {
      String file = file(name).toString();
      String texts = Files.readString(Path.of(file + ".inp"));
      List<String> lines = Files.readAllLines(Path.of(file + ".out"));
      List<Example> examples = new ArrayList<>();
      int from = 0;
      for (String line : lines) {
        int to = texts.indexOf(SEPARATOR, from);
        List<Integer> ids =
            Arrays.stream(line.strip().split("\\s+"))
                .filter(id -> !id.isEmpty())
                .map(Integer::valueOf)
                .toList();
        examples.add(new Example(texts.substring(from, to), ids));
        from = to + SEPARATOR.length();
      }
      return examples;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path folder() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path folder = at.resolve("shared/fixtures/vocabs");
      if (Files.isDirectory(folder)) {
        return folder;
      }
    }
    assumeTrue(false, "No folder shared/fixtures/vocabs beside the project: skipped");
    throw new IllegalStateException();
  }
}
