package dev.sluice.ops;

import dev.sluice.model.store.ModelStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The folder of models, for verbs that use it. */
public final class StoreOption {
  private static final String VARIABLE = "SLUICE_STORE";

  @Option(
      names = "--store",
      paramLabel = "DIR",
      description =
          "Folder of models by name (default: $"
              + VARIABLE
              + ", else sluice/models in $XDG_DATA_HOME or ~/.local/share).")
  private @Nullable Path folder;

  @Option(
      names = "--store-limit",
      paramLabel = "BYTES",
      description =
          "Most bytes of models in that folder, such as 200g (default: four fifths of its volume)."
              + " Beyond it, models without a name that nobody uses are removed.")
  private @Nullable String limit;

  /** Where the store is, if it is there. */
  public Path folder() {
    String variable = System.getenv(VARIABLE);
    if (folder != null) {
      return folder;
    }
    return variable == null || variable.isBlank() ? ModelStore.defaultFolder() : Path.of(variable);
  }

  /** Opens the store; makes it where it is missing. */
  public ModelStore open() {
    return limit == null
        ? ModelStore.open(folder())
        : ModelStore.open(folder(), Bytes.parse(limit));
  }

  /** Opens the store, if there is one. */
  public Optional<ModelStore> find() {
    return Files.isDirectory(folder()) ? Optional.of(open()) : Optional.empty();
  }
}
