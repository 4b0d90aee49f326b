package dev.sluice.ops;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A text from the command line, a file or standard input. */
final class TextInput {
  @Parameters(
      arity = "0..*",
      paramLabel = "TEXT",
      description = "The text; words are joined by spaces. '-', or no text: standard input.")
  private List<String> words = List.of();

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "Read the text from a file (UTF-8).")
  private @Nullable Path file;

  /**
   * Reads the text.
   *
   * @throws CommandException when there is none, or more than one source is named
   */
  String read() {
    if (file != null) {
      if (!words.isEmpty()) {
        throw new CommandException("both a text and --file " + file + " are given; give one");
      }
      return Streams.readFile(file);
    }
    if (words.isEmpty() || words.equals(List.of("-"))) {
      if (words.isEmpty() && Streams.areTerminal()) {
        throw new CommandException(
            "no text: give it as an argument, by --file, or on standard input");
      }
      return Streams.readInput();
    }
    return String.join(" ", words);
  }
}
