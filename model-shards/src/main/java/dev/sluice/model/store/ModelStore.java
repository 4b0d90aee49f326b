package dev.sluice.model.store;

import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;

/**
 * A folder that keeps models by their content. For any thread; several processes may use one
 * folder.
 */
public final class ModelStore {
  private final Path folder;
  private final ManifestCache manifests;

  private ModelStore(Path folder, InstantSource clock) {
    this.folder = folder;
    this.manifests = new ManifestCache(folder.resolve("hashes"), clock);
  }

  /**
   * Opens a store and makes its folder where it is missing.
   *
   * @throws StoreException if the folder cannot be used
   */
  public static ModelStore open(Path folder) {
    try {
      Files.createDirectories(folder);
      return new ModelStore(folder.toRealPath(), InstantSource.system());
    } catch (IOException e) {
      throw new StoreException(
          folder + ": cannot be used as a store of models: " + Disk.reason(e), e);
    }
  }

  /** The folder. */
  public Path folder() {
    return folder;
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
}
