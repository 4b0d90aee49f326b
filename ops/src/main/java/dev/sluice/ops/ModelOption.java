package dev.sluice.ops;

import dev.sluice.model.gguf.GgufFile;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The model file that a verb works on. */
final class ModelOption {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      required = true,
      description = "GGUF model file; of a split model, any of its parts.")
  private Path file = Path.of("");

  /** Opens the file; the caller closes it. */
  GgufFile open() {
    if (!Files.isRegularFile(file)) {
      throw new CommandException(
          file + ": " + (Files.exists(file) ? "not a file" : "no such file") + " (--model)");
    }
    return GgufFile.open(file);
  }
}
