package dev.sluice.model.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The folders of a store's models, each whole or not there: they are made and removed under another
 * name. To be used by who holds the store's lock.
 */
final class ModelFolders {
  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");

  private final Path models;
  private final Path locks;

  ModelFolders(Path store) {
    this.models = store.resolve("models");
    this.locks = store.resolve("locks");
  }

  /** Makes what is missing, and removes what a killed process left half made or half removed. */
  void open() throws IOException {
    Files.createDirectories(models);
    Files.createDirectories(locks);
    for (Path file : Disk.list(models)) {
      if (String.valueOf(file.getFileName()).startsWith(".")) {
        Disk.removeTree(file);
      }
    }
  }

  /** Where a model is, or would be. */
  Path of(ContentId id) {
    return models.resolve(id.hex());
  }

  /** What those who use the model lock; it stays when the model goes. */
  Path useLock(ContentId id) {
    return locks.resolve(id.hex());
  }

  /** A folder to put a model together in. */
  Path begin() throws IOException {
    return Files.createDirectory(models.resolve(".new-" + UUID.randomUUID()));
  }

  /** Gives a model that was put together its place. */
  void publish(Path fresh, ContentId id) throws IOException {
    Files.move(fresh, of(id), StandardCopyOption.ATOMIC_MOVE);
    Disk.forceFolder(of(id));
  }

  /** Removes a model, if it is there. */
  void discard(ContentId id) throws IOException {
    Path model = of(id);
    if (Files.exists(model)) {
      Path gone = models.resolve(".gone-" + UUID.randomUUID());
      Files.move(model, gone, StandardCopyOption.ATOMIC_MOVE);
      Disk.removeTree(gone);
    }
  }

  /** The manifest of a model that is there; nothing if it is not, or its manifest is damaged. */
  Optional<Manifest> manifest(ContentId id) throws IOException {
    Path file = of(id).resolve(ChunkFiles.MANIFEST);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Manifest.decode(Disk.read(file, Manifest.MAX_ENCODED_BYTES), id));
    } catch (StoreException e) {
      return Optional.empty();
    }
  }

  /** All models, in order of their names, those without one last. */
  List<StoredEntry> entries(Map<ModelName, NameTable.Target> named) throws IOException {
    List<StoredEntry> entries = new ArrayList<>();
    for (Path model : Disk.list(models)) {
      String hex = String.valueOf(model.getFileName());
      if (!ID.matcher(hex).matches()) {
        continue;
      }
      ContentId id = new ContentId(hex);
      Optional<Manifest> manifest = manifest(id);
      if (manifest.isPresent()) {
        entries.add(entry(id, manifest.get(), named));
      }
    }
    entries.sort(
        Comparator.comparing((StoredEntry entry) -> entry.names().isEmpty())
            .thenComparing(entry -> entry.names().toString())
            .thenComparing(StoredEntry::id));
    return entries;
  }

  private StoredEntry entry(ContentId id, Manifest manifest, Map<ModelName, NameTable.Target> named)
      throws IOException {
    Path model = of(id);
    List<ModelName> called = new ArrayList<>();
    String source = "";
    for (var name : named.entrySet()) {
      if (name.getValue().id().equals(id)) {
        called.add(name.getKey());
        source = name.getValue().source();
      }
    }
    Instant used = Files.getLastModifiedTime(model.resolve(ChunkFiles.MANIFEST)).toInstant();
    return new StoredEntry(
        id, called, manifest.bytes(), ChunkFiles.bytesPresent(model, manifest), used, source);
  }
}
