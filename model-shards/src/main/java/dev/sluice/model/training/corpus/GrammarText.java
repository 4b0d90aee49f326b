package dev.sluice.model.training.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The grammar as it is written down: sections of lines, by their headings. */
final class GrammarText {
  private static final String RESOURCE = "stories.txt";

  private final Map<String, List<String>> sections = new LinkedHashMap<>();

  private GrammarText() {}

  /** Reads the grammar that comes with the program. */
  static GrammarText load() {
    try (InputStream in = GrammarText.class.getResourceAsStream(RESOURCE)) {
      String text =
          new String(Objects.requireNonNull(in, RESOURCE).readAllBytes(), StandardCharsets.UTF_8);
      return parse(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static GrammarText parse(String text) {
    GrammarText grammar = new GrammarText();
    List<String> section = new ArrayList<>();
    for (String line : text.lines().map(String::strip).toList()) {
      if (line.startsWith("[")) {
        section = new ArrayList<>();
        String heading = line.substring(1, line.length() - 1);
        if (grammar.sections.put(heading, section) != null) {
          throw new IllegalArgumentException("twice in the grammar: " + heading);
        }
      } else if (!line.isEmpty() && !line.startsWith("#")) {
        section.add(line);
      }
    }
    return grammar;
  }

  /** The names of the sections of a kind, in their order: {@code sentence}, {@code obstacle}. */
  List<String> names(String kind) {
    return sections.keySet().stream()
        .filter(heading -> heading.startsWith(kind + " "))
        .map(heading -> heading.substring(kind.length() + 1))
        .toList();
  }

  List<String> lines(String kind, String name) {
    List<String> lines = sections.get(kind + " " + name);
    if (lines == null) {
      throw new IllegalArgumentException("not in the grammar: " + kind + " " + name);
    }
    return lines;
  }

  List<String> list(String name) {
    return lines("list", name).stream().flatMap(line -> values(line).stream()).toList();
  }

  /** The values of a line, which | separates. */
  static List<String> values(String line) {
    return Arrays.stream(line.split("\\|", -1)).map(String::strip).toList();
  }
}
