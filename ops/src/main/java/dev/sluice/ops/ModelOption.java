package dev.sluice.ops;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.mill.SluiceMill;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The model file that a verb works on, or the model that comes with the program. */
final class ModelOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec verb = CommandSpec.create();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description =
          "GGUF model file; of a split model, any of its parts (default: "
              + SluiceMill.NAME
              + ", the small model that comes with Sluice).")
  private @Nullable Path file;

  /** Opens the file; the caller closes it. Says so where it is the model that comes along. */
  GgufFile open() {
    if (file == null) {
      GgufFile mill =
          SluiceMill.open()
              .orElseThrow(
                  () ->
                      new ParameterException(
                          verb.commandLine(),
                          "Missing required option: '--model=FILE' (this build comes without "
                              + SluiceMill.NAME
                              + ")"));
      Streams.err()
          .println("sluice: no --model: using " + SluiceMill.NAME + ", which comes with Sluice");
      Streams.err().flush();
      return mill;
    }
    if (!Files.isRegularFile(file)) {
      throw new CommandException(
          file + ": " + (Files.exists(file) ? "not a file" : "no such file") + " (--model)");
    }
    return GgufFile.open(file);
  }
}
