package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a training reads and where it writes. */
final class RunOptions {
  @Option(
      names = "--data",
      paramLabel = "FILE",
      arity = "1..*",
      description =
          "Text to learn from: .txt (a document each), or .jsonl with {\"text\":…} or"
              + " {\"messages\":[…]} a line.")
  private List<Path> data = List.of();

  @Option(
      names = "--valid",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Text to measure with, never learnt (default: a part of --data).")
  private List<Path> validation = List.of();

  @Option(
      names = "--valid-split",
      paramLabel = "SHARE",
      description = "Share of the documents that is held out without --valid (${DEFAULT-VALUE}).")
  private double split = 0.01;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FOLDER",
      required = true,
      description = "Where checkpoints, the log and the loss curves go.")
  private Path out = Path.of("");

  @Option(
      names = "--resume",
      description =
          "Go on with the run in the folder, with the options that it began with, from its last"
              + " good checkpoint.")
  private boolean resume;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "STEPS",
      description = "Steps between checkpoints (default: a twentieth of all).")
  private @Nullable Long checkpointEvery;

  @Option(
      names = "--keep",
      paramLabel = "N",
      description = "How many checkpoints stay (${DEFAULT-VALUE}).")
  private int keep = 3;

  @Option(
      names = "--json",
      description =
          "Print {\"step\",\"steps\",\"interrupted\",\"loss\",\"validation_loss\",\"perplexity\","
              + "\"checkpoint\"} at the end.")
  private boolean asJson;

  Datasets.Source source() {
    return new Datasets.Source(data, validation, split);
  }

  /** The folder; the same for a run that goes on. */
  RunFolder folder() {
    return new RunFolder(out);
  }

  boolean resume() {
    return resume;
  }

  boolean asJson() {
    return asJson;
  }

  int keep() {
    if (keep < 1) {
      throw new CommandException("--keep must be at least 1: " + keep);
    }
    return keep;
  }

  long checkpointEvery(long steps) {
    if (checkpointEvery == null) {
      return ScheduleOptions.checkpointEvery(steps);
    }
    if (checkpointEvery < 1) {
      throw new CommandException("--checkpoint-every must be at least 1: " + checkpointEvery);
    }
    return checkpointEvery;
  }
}
