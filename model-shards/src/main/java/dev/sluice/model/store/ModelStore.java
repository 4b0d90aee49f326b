package dev.sluice.model.store;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;

/**
 * A folder that keeps models by their content: whole ones that were pulled and have a name, and
 * chunks of others that were fetched for the layers that ran here. For any thread; several
 * processes may use one folder. At any time the process may be killed or the power lost: what was
 * not checked and kept by then is fetched again, and nothing else is lost.
 *
 * <p>A store has a limit in bytes. When it is reached, models without a name that nobody uses are
 * removed whole, those not used for longest first; never ones with a name, which somebody asked
 * for.
 *
 * <pre>
 * models/ID/      manifest, chunks (what is there), model.gguf or model-00001-of-00003.gguf …
 * names/NAME@TAG  the ID
 * hashes/         manifests of files elsewhere that were hashed before
 * locks/ID        held by those who use the model
 * incoming/       downloads that are not whole as yet
 * </pre>
 */
public final class ModelStore {
  private static final Pattern ID_PREFIX = Pattern.compile("[0-9a-f]{6,64}");

  private final Path folder;
  private final ModelFolders models;
  private final long limit;
  private final InstantSource clock;
  private final ManifestCache manifests;
  private final NameTable names;

  private ModelStore(Path folder, long limit, InstantSource clock) {
    this.folder = folder;
    this.models = new ModelFolders(folder);
    this.limit = limit;
    this.clock = clock;
    this.manifests = new ManifestCache(folder.resolve("hashes"), clock);
    this.names = new NameTable(folder.resolve("names"));
  }

  /**
   * Opens a store and makes its folder where it is missing. Its limit is four fifths of the volume.
   *
   * @throws StoreException if the folder cannot be used
   */
  public static ModelStore open(Path folder) {
    try {
      Files.createDirectories(folder);
      return open(folder, Files.getFileStore(folder).getTotalSpace() / 5 * 4);
    } catch (IOException e) {
      throw unusable(folder, e);
    }
  }

  /** As {@link #open(Path)}, with room for {@code limit} bytes of models. */
  public static ModelStore open(Path folder, long limit) {
    return open(folder, limit, InstantSource.system());
  }

  static ModelStore open(Path folder, long limit, InstantSource clock) {
    try {
      Files.createDirectories(folder);
      ModelStore store = new ModelStore(folder.toRealPath(), limit, clock);
      Files.createDirectories(store.incoming());
      try (Locks.Lock _ = store.lock()) {
        store.models.open();
        store.names.clearLeftovers();
      }
      return store;
    } catch (IOException e) {
      throw unusable(folder, e);
    }
  }

  private static StoreException unusable(Path folder, IOException e) {
    return new StoreException(
        folder + ": cannot be used as a store of models: " + Disk.reason(e) + " (--store)", e);
  }

  /**
   * Where models are kept when nobody says otherwise: {@code sluice/models} in the user's folder
   * for data ({@code XDG_DATA_HOME}, else {@code ~/.local/share}).
   */
  public static Path defaultFolder() {
    String data = System.getenv("XDG_DATA_HOME");
    Path base =
        data == null || data.isBlank() || !Path.of(data).isAbsolute()
            ? Path.of(System.getProperty("user.home"), ".local", "share")
            : Path.of(data);
    return base.resolve("sluice").resolve("models");
  }

  /** Held while the store's structure is read or changed. */
  private Locks.Lock lock() throws IOException {
    return Locks.alone(folder.resolve("lock"));
  }

  /** The folder. */
  public Path folder() {
    return folder;
  }

  /** Bytes of models that it may hold. */
  public long limit() {
    return limit;
  }

  /** Where files are put that are to be {@link #adopt adopted} when they are whole. */
  public Path incoming() {
    return folder.resolve("incoming");
  }

  /**
   * The manifest of any open model, from wherever it was opened, and with it the model's {@link
   * ContentId}. The first call for a large file reads all of it; later ones, also of other
   * processes, know it again while the file stays as it is.
   *
   * @param file without holes
   * @throws ModelFileException if it changes meanwhile
   */
  public Manifest manifest(GgufFile file) {
    return manifests.manifest(file);
  }

  /**
   * The model of that content, if anything of it is there; the caller closes it.
   *
   * @throws StoreException if it cannot be read
   */
  public Optional<StoredModel> find(ContentId id) {
    try (Locks.Lock _ = lock()) {
      Optional<Manifest> manifest = models.manifest(id);
      return manifest.isEmpty() ? Optional.empty() : Optional.of(use(manifest.get()));
    } catch (IOException e) {
      throw StoredModel.failure(models.of(id), "cannot be opened", e);
    }
  }

  /**
   * The model of that content, with what is there of it, which may be nothing; the caller closes
   * it.
   *
   * @throws StoreException if it cannot be made
   */
  public StoredModel create(Manifest manifest) {
    try (Locks.Lock _ = lock()) {
      if (models.manifest(manifest.id()).isEmpty()) {
        models.discard(manifest.id()); // a folder without a manifest that fits is of no use
        Path fresh = models.begin();
        ChunkFiles.lay(fresh, manifest);
        models.publish(fresh, manifest.id());
      }
      return use(manifest);
    } catch (IOException e) {
      throw StoredModel.failure(models.of(manifest.id()), "cannot be made", e);
    }
  }

  private StoredModel use(Manifest manifest) throws IOException {
    Path model = models.of(manifest.id());
    Locks.Lock inUse = Locks.share(models.useLock(manifest.id()));
    ChunkFiles files =
        ChunkFiles.open(model, manifest, bytes -> makeRoom(manifest.id(), bytes, bytes), inUse);
    Files.setLastModifiedTime(model.resolve(ChunkFiles.MANIFEST), FileTime.from(clock.instant()));
    return new StoredModel(files);
  }

  /**
   * Opens a model by its name, of which a portion must be there; the caller closes it.
   *
   * @throws StoreException if there is no such model
   * @throws ModelFileException as {@link StoredModel#open}
   */
  public GgufFile open(ModelName name, Portion portion) {
    ContentId id =
        names
            .find(name)
            .orElseThrow(() -> new StoreException("there is no model " + name + " in " + folder))
            .id();
    try (StoredModel model =
        find(id)
            .orElseThrow(() -> new StoreException(models.of(id) + " is missing; pull it again"))) {
      return model.open(portion);
    }
  }

  /** The content of that name, if there is such a name. */
  public Optional<ContentId> find(ModelName name) {
    return names.find(name).map(NameTable.Target::id);
  }

  /**
   * Gives a model a name, or the name another model.
   *
   * @param source where it came from, for people
   */
  public void name(ModelName name, ContentId id, String source) {
    try (Locks.Lock _ = lock()) {
      names.put(name, id, source);
    } catch (IOException e) {
      throw StoredModel.failure(folder, "the name " + name + " cannot be kept", e);
    }
  }

  /** All models, in order of their names, those without one last. */
  public List<StoredEntry> list() {
    try (Locks.Lock _ = lock()) {
      return models.entries(names.all());
    } catch (IOException e) {
      throw StoredModel.failure(folder, "cannot be read", e);
    }
  }

  /**
   * Removes a name, and its model with it if that has no other; or, given the first six or more
   * digits of an id, a model with all its names.
   *
   * @return the bytes that this freed
   * @throws StoreException if there is none, or it is in use
   */
  public long remove(String nameOrId) {
    try (Locks.Lock _ = lock()) {
      List<StoredEntry> entries = models.entries(names.all());
      Optional<ModelName> name = ModelName.parse(nameOrId);
      Optional<StoredEntry> byName =
          entries.stream()
              .filter(entry -> name.isPresent() && entry.names().contains(name.get()))
              .findFirst();
      if (byName.isPresent() && byName.get().names().size() > 1) {
        names.remove(name.orElseThrow());
        return 0;
      }
      StoredEntry entry = byName.orElseGet(() -> byId(entries, nameOrId));
      Locks.Lock alone =
          Locks.tryAlone(models.useLock(entry.id()))
              .orElseThrow(
                  () ->
                      new StoreException(
                          nameOrId + " is in use by a running process: end that one first"));
      try (alone) {
        for (ModelName called : entry.names()) {
          names.remove(called);
        }
        models.discard(entry.id());
      }
      return entry.bytesPresent();
    } catch (IOException e) {
      throw StoredModel.failure(folder, nameOrId + " cannot be removed", e);
    }
  }

  private StoredEntry byId(List<StoredEntry> entries, String digits) {
    List<StoredEntry> found =
        ID_PREFIX.matcher(digits).matches()
            ? entries.stream().filter(entry -> entry.id().hex().startsWith(digits)).toList()
            : List.of();
    if (found.size() != 1) {
      throw new StoreException(
          found.isEmpty()
              ? "there is no model " + digits + " in " + folder + ": 'sluice list' shows them"
              : found.size() + " models begin with " + digits + ": give more digits");
    }
    return found.getFirst();
  }

  /**
   * See {@link StoredModel#makeRoom}.
   *
   * @param bytes more of models
   * @param volume of these, bytes that are not on the volume as yet
   */
  private void makeRoom(ContentId keep, long bytes, long volume) {
    List<Locks.Lock> held = new ArrayList<>();
    try (Locks.Lock _ = lock()) {
      List<StoredEntry> entries = models.entries(names.all());
      long total = entries.stream().mapToLong(StoredEntry::bytesPresent).sum();
      long usable = Files.getFileStore(folder).getUsableSpace();
      long lacking = Math.max(total + bytes - limit, volume - usable);
      List<StoredEntry> candidates =
          entries.stream()
              .filter(entry -> entry.names().isEmpty() && !entry.id().equals(keep))
              .sorted(Comparator.comparing(StoredEntry::used).thenComparing(StoredEntry::id))
              .toList();
      List<ContentId> leaving = new ArrayList<>();
      for (StoredEntry entry : candidates) {
        if (lacking <= 0) {
          break;
        }
        Optional<Locks.Lock> alone = Locks.tryAlone(models.useLock(entry.id()));
        if (alone.isPresent()) {
          held.add(alone.get());
          leaving.add(entry.id());
          lacking -= entry.bytesPresent();
        }
      }
      if (lacking > 0) {
        throw new StoreException(
            ("%s: no room for %d bytes more: it holds %d of at most %d, the volume has %d free, and"
                    + " what is not in use and has no name is %d too few; 'sluice rm' frees some")
                .formatted(folder, bytes, total, limit, usable, lacking));
      }
      for (ContentId id : leaving) {
        models.discard(id);
      }
    } catch (IOException e) {
      throw StoredModel.failure(folder, "room cannot be made", e);
    } finally {
      held.forEach(Locks.Lock::close);
    }
  }

  /**
   * Copies a whole model into the store, as far as it is not there; the caller closes it.
   *
   * @param file without holes
   * @param progress told how many bytes are there, each time some more are
   * @throws StoreException if there is no room
   */
  public StoredModel add(GgufFile file, LongConsumer progress) {
    StoredModel model = create(manifest(file));
    try {
      Manifest manifest = model.manifest();
      model.makeRoom(manifest.bytes() - model.bytesPresent());
      long done = 0;
      for (int chunk = 0; chunk < manifest.chunks(); chunk++) {
        if (!model.has(chunk)
            && !model.write(
                chunk,
                file.contents(manifest.partOf(chunk))
                    .asSlice(manifest.offset(chunk), manifest.length(chunk))
                    .asByteBuffer())) {
          throw new ModelFileException(file.path(), "the file changed while it was copied");
        }
        done += manifest.length(chunk);
        progress.accept(done);
      }
      model.flush();
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * Takes over the files of a whole model, which are moved into the store from {@link #incoming};
   * the caller closes it.
   *
   * @param file one of the files, in a folder with the others of a split model
   * @throws ModelFileException if they are no model
   * @throws StoreException if there is no room, or they cannot be moved
   */
  public StoredModel adopt(Path file) {
    try (GgufFile opened = GgufFile.open(file)) {
      Manifest manifest = Manifest.of(opened);
      makeRoom(manifest.id(), manifest.bytes(), 0);
      try (Locks.Lock _ = lock()) {
        if (models.manifest(manifest.id()).isEmpty()) {
          models.discard(manifest.id());
          Path fresh = models.begin();
          ChunkFiles.take(fresh, manifest, opened.files());
          models.publish(fresh, manifest.id());
          return use(manifest);
        }
      } catch (IOException e) {
        throw StoredModel.failure(models.of(manifest.id()), "cannot be made", e);
      }
      return add(opened, _ -> {});
    }
  }
}
