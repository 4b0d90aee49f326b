package dev.sluice.ops.train;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.training.CheckpointStore;
import dev.sluice.model.training.CheckpointStore.Checkpoint;
import dev.sluice.model.training.ModelExport;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Streams;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice train export}: the model of a checkpoint, as a file that runs. */
@Command(
    name = "export",
    description = "Writes the model of a checkpoint as a GGUF file, ready to run.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class ExportCommand implements Runnable {
  @Option(
      names = {"-c", "--checkpoint"},
      paramLabel = "FOLDER|FILE",
      required = true,
      description = "A run's folder, for its last good checkpoint, or one checkpoint.")
  private Path checkpoint = Path.of("");

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "Type of matrices: f32, f16, q8_0 or q4_0 (${DEFAULT-VALUE}).")
  private GgmlType type = GgmlType.F16;

  @Option(
      names = "--adapter",
      description = "Write only the adapters (of a run with --lora), for 'run --lora', in f32.")
  private boolean adapter;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      required = true,
      description = "The file to write.")
  private Path out = Path.of("");

  @Override
  public void run() {
    if (!ModelExport.supports(type)) {
      throw new CommandException(
          "--type " + type + ": give f32, f16, q8_0 or q4_0; 'sluice quantize' makes other types");
    }
    Path from = file(checkpoint);
    try (GgufFile file = GgufFile.open(from)) {
      refuseOverwriting(from);
      (adapter ? ModelExport.adapter(file) : ModelExport.model(file, type)).write(out);
    }
    Streams.err().println("sluice: wrote " + out + " from " + from);
    Streams.err().flush();
  }

  private void refuseOverwriting(Path from) {
    if (out.toAbsolutePath().normalize().equals(from.toAbsolutePath().normalize())) {
      throw new CommandException(out + ": is the checkpoint itself; choose another --out");
    }
  }

  /**
   * A checkpoint that is whole: the last good one of a folder, or the file named.
   *
   * @throws dev.sluice.model.gguf.ModelFileException if the file is damaged
   */
  static Path file(Path named) {
    if (Files.isDirectory(named)) {
      return CheckpointStore.latest(RunFolder.checkpointsIn(named), Streams.err()::println)
          .map(Checkpoint::file)
          .orElseThrow(() -> new CommandException(named + ": holds no good checkpoint"));
    }
    CheckpointStore.verify(named);
    return named;
  }
}
