package dev.sluice.ops;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.mill.SluiceMill;
import dev.sluice.model.store.ModelName;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The model that a verb works on: a file, one in the store, or the one that comes with the program.
 */
final class ModelOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec verb = CommandSpec.create();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE|NAME",
      description =
          "GGUF model file; of a split model, any of its parts; or the name of a model that was"
              + " pulled (default: "
              + SluiceMill.NAME
              + ", the small model that comes with Sluice; with --join the cluster's).")
  private @Nullable String model;

  @Mixin private StoreOption store = new StoreOption();

  /** Whether a model is named. */
  boolean given() {
    return model != null;
  }

  /** The folder of models; made where it is missing. */
  ModelStore store() {
    return store.open();
  }

  /** Opens the model; the caller closes it. Says so where it is the one that comes along. */
  GgufFile open() {
    return model == null ? openMill() : open(model);
  }

  private GgufFile openMill() {
    GgufFile mill =
        SluiceMill.open()
            .orElseThrow(
                () ->
                    new ParameterException(
                        verb.commandLine(),
                        "Missing required option: '--model=FILE|NAME' (this build comes without "
                            + SluiceMill.NAME
                            + ")"));
    Streams.err()
        .println("sluice: no --model: using " + SluiceMill.NAME + ", which comes with Sluice");
    Streams.err().flush();
    return mill;
  }

  /** Opens what is named so, if it is here; a file goes before a name. The caller closes it. */
  Optional<GgufFile> find(String fileOrName) {
    Path file = path(fileOrName);
    if (Files.isRegularFile(file)) {
      return Optional.of(GgufFile.open(file));
    }
    if (Files.exists(file)) {
      throw new CommandException(file + ": not a file (--model)");
    }
    Optional<ModelName> name = ModelName.parse(fileOrName);
    Optional<ModelStore> models = name.isEmpty() ? Optional.empty() : store.find();
    return models.isPresent() && models.get().find(name.orElseThrow()).isPresent()
        ? Optional.of(models.get().open(name.orElseThrow(), Portion.whole()))
        : Optional.empty();
  }

  private GgufFile open(String fileOrName) {
    return find(fileOrName)
        .orElseThrow(
            () ->
                new CommandException(
                    fileOrName
                        + ": no such file (--model)"
                        + (ModelName.parse(fileOrName).isEmpty()
                            ? ""
                            : ", and no model of that name in " + store.folder())));
  }

  private static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new CommandException("--model: " + e.getMessage(), e);
    }
  }
}
