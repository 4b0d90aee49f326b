package dev.sluice.actors.cluster;

import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;

/**
 * A model whose file this process was given.
 *
 * @param card its content id and name
 * @param manifest the hashes of its chunks
 * @param file open; who opened it closes it, after the member
 * @param footprint what its parts weigh
 */
public record LocalModel(
    ModelCard card, Manifest manifest, GgufFile file, ModelFootprint footprint) {
  /**
   * A file's model. Reads all of a file that was not read before, to name its content.
   *
   * @param store that remembers the names of files that were read
   */
  public static LocalModel of(GgufFile file, ModelStore store) {
    Manifest manifest = store.manifest(file);
    return new LocalModel(
        new ModelCard(manifest.id().hex(), name(file)), manifest, file, ModelFootprint.of(file));
  }

  /** What people call a model, by its header. */
  public static String name(GgufFile file) {
    GgufMetadata metadata = file.metadata();
    return metadata.has("general.name") ? metadata.string("general.name") : "a model";
  }
}
