package dev.sluice.ops;

import dev.sluice.actors.cluster.LocalModel;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.ModelStore;

/** A model file as the nodes of a cluster know it. */
final class ClusterModel {
  private ClusterModel() {}

  /** Reads all of a file that was not read before, to name its content. */
  static LocalModel of(GgufFile file) {
    String id = ModelStore.open(ModelStore.defaultFolder()).manifest(file).id().hex();
    String name =
        file.metadata().has("general.name") ? file.metadata().string("general.name") : "a model";
    return new LocalModel(new ModelCard(id, name), file, ModelFootprint.of(file));
  }
}
