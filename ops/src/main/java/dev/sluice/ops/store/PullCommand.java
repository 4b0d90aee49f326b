package dev.sluice.ops.store;

import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.ModelName;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.model.store.StoredModel;
import dev.sluice.ops.Bytes;
import dev.sluice.ops.ClusterAccess;
import dev.sluice.ops.ClusterClient;
import dev.sluice.ops.ClusterModels;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.Progress;
import dev.sluice.ops.StoreOption;
import dev.sluice.ops.Streams;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice pull}: a model from the web, a cluster or a file goes into the store. */
@Command(
    name = "pull",
    description =
        "Puts a model into the store, under a name that --model takes: from a URL, resuming what"
            + " was broken off, or from a file. Of a split model any part may be named.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class PullCommand implements Runnable {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-fA-F]{64}");
  private static final Pattern CLUSTER =
      Pattern.compile("((?:\\[[0-9a-fA-F:.]+]|[^\\[\\]:@/\\\\\\s]+):[0-9]{1,5})/([^/\\\\\\s]+)");
  private static final int ID_DIGITS = 6;
  private static final Pattern ENDING =
      Pattern.compile("(?:-\\d{5}-of-\\d{5})?(?:\\.gguf)?$", Pattern.CASE_INSENSITIVE);

  @Parameters(
      paramLabel = "URL|FILE|HOST:PORT/MODEL",
      description =
          "https://… or http://…, a GGUF file, or a model (its name, or the first digits of its id)"
              + " that nodes of a cluster have, one of which is at HOST:PORT.")
  private String source = "";

  @Option(
      names = "--name",
      paramLabel = "NAME[:TAG]",
      description = "What to call it (default: as the file is called, without .gguf).")
  private @Nullable String name;

  @Option(
      names = "--sha256",
      paramLabel = "HEX",
      description = "What the SHA-256 of the file must be; not for a split model.")
  private @Nullable String sha256;

  @Option(
      names = "--max-size",
      paramLabel = "BYTES",
      description = "Refuse files larger than that (${DEFAULT-VALUE}).")
  private String maxSize = "1t";

  @Mixin private StoreOption store = new StoreOption();
  @Mixin private ClusterAccess access = new ClusterAccess();

  /** Made by the command line. */
  public PullCommand() {}

  @Override
  public void run() {
    if (sha256 != null && !SHA256.matcher(sha256).matches()) {
      throw new CommandException("--sha256: 64 hexadecimal digits are expected");
    }
    ModelName called = name == null ? nameOf(source) : ModelName.of(name);
    ModelStore opened = store.open();
    try (StoredModel model = bring(opened)) {
      opened.name(called, model.manifest().id(), shown());
      Streams.out()
          .println(
              "%s: %s, %s"
                  .formatted(
                      called, model.manifest().id().brief(), Bytes.text(model.manifest().bytes())));
      Streams.out().flush();
    }
  }

  private StoredModel bring(ModelStore opened) {
    try (Progress progress = new Progress()) {
      if (isUrl()) {
        return download(opened, progress);
      }
      return isOfCluster() ? fromCluster(opened, progress) : copy(opened, progress);
    }
  }

  private boolean isUrl() {
    return source.matches("(?i)https?://.*");
  }

  /** A file of such a name goes first. */
  private boolean isOfCluster() {
    return CLUSTER.matcher(source).matches() && !Files.exists(Path.of(source));
  }

  private String shown() {
    if (isUrl()) {
      return Download.shown(source);
    }
    return isOfCluster() ? source : Path.of(source).toAbsolutePath().normalize().toString();
  }

  private StoredModel fromCluster(ModelStore opened, Progress progress) {
    if (sha256 != null) {
      throw new CommandException("--sha256 is for files; what nodes send is checked by its id");
    }
    Matcher address = CLUSTER.matcher(source);
    if (!address.matches()) {
      throw new IllegalStateException(source);
    }
    try (ClusterClient client = ClusterClient.join(address.group(1), access, opened)) {
      ContentId id = find(ClusterModels.all(client), address.group(2));
      client.fetch(id, Portion.header(), _ -> {}).close();
      StoredModel model = opened.find(id).orElseThrow();
      try {
        if (model.manifest().bytes() > Bytes.parse(maxSize)) {
          throw new CommandException(
              source + ": is larger than " + maxSize + " (--max-size allows more)");
        }
        client
            .fetch(
                id,
                Portion.whole(),
                at -> progress.say(() -> told("pulling", at.done(), at.total())))
            .close();
        return model;
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }

  /** By its name as {@link #nameOf} writes it, or its id's first digits. */
  private static ContentId find(List<ModelCard> models, String wanted) {
    for (ModelCard model : models) {
      boolean named =
          !model.name().isEmpty() && nameOf(model.name()).name().equalsIgnoreCase(wanted);
      if (named || (wanted.length() >= ID_DIGITS && model.content().startsWith(wanted))) {
        return new ContentId(model.content());
      }
    }
    throw new CommandException(
        "no node has a model "
            + wanted
            + "; they have "
            + models.stream()
                .map(m -> m.name() + " (" + new ContentId(m.content()).brief() + ")")
                .collect(Collectors.joining(", ")));
  }

  private StoredModel download(ModelStore opened, Progress progress) {
    Download download = new Download(opened, Bytes.parse(maxSize), sha256, Duration.ofSeconds(1));
    return download.run(source, (done, total) -> progress.say(() -> told("pulling", done, total)));
  }

  private StoredModel copy(ModelStore opened, Progress progress) {
    Path file = Path.of(source);
    if (!Files.isRegularFile(file)) {
      throw new CommandException(
          source
              + (Files.exists(file)
                  ? ": not a file"
                  : ": no such file; a URL begins with https:// or http://"));
    }
    try (GgufFile opening = GgufFile.open(file)) {
      if (opening.bytes() > Bytes.parse(maxSize)) {
        throw new CommandException(
            file + ": is larger than " + maxSize + " (--max-size allows more)");
      }
      if (sha256 != null) {
        Download.check(opening.files(), sha256);
      }
      return opened.add(
          opening, done -> progress.say(() -> told("copying", done, opening.bytes())));
    }
  }

  private static String told(String doing, long done, long total) {
    return total <= 0
        ? doing + " " + Bytes.text(done)
        : String.format(
            Locale.ROOT,
            "%s %s of %s, %d%%",
            doing,
            Bytes.text(done),
            Bytes.text(total),
            100 * done / total);
  }

  /** The file's name without what is no part of a model's name. */
  static ModelName nameOf(String source) {
    String path = source.replaceFirst("[?#].*$", "").replaceFirst("/+$", "");
    String file = path.substring(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
    Matcher ending = ENDING.matcher(file);
    String plain =
        (ending.find() ? file.substring(0, ending.start()) : file)
            .replaceAll("%20", "-")
            .replaceAll("[^A-Za-z0-9._-]+", "-")
            .replaceFirst("^[._-]+", "");
    if (plain.isEmpty()) {
      throw new CommandException(source + ": give the model a name with --name");
    }
    return ModelName.of(plain.substring(0, Math.min(plain.length(), 80)));
  }
}
