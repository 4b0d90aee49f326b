package dev.sluice.ops.train;

import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder of one training: {@code options.json} with what was asked, {@code log.csv} with the
 * loss of each step, {@code loss.svg} with a picture of it, {@code checkpoints/}.
 */
record RunFolder(Path folder) {
  Path options() {
    return folder.resolve("options.json");
  }

  Path log() {
    return folder.resolve("log.csv");
  }

  Path chart() {
    return folder.resolve("loss.svg");
  }

  Path checkpoints() {
    return folder.resolve("checkpoints");
  }

  /** Makes the folder where it is missing. */
  void create() {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new CommandException(folder + ": no folder can be made here: " + e.getMessage(), e);
    }
  }

  /** The checkpoints of a folder that is a run's, or holds checkpoints itself. */
  static Path checkpointsIn(Path folder) {
    Path inside = folder.resolve("checkpoints");
    return Files.isDirectory(inside) ? inside : folder;
  }
}
