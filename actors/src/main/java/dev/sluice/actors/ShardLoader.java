package dev.sluice.actors;

import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;

/** Loads shards of the models that a node has or can get; several threads may load at once. */
@FunctionalInterface
public interface ShardLoader {
  /**
   * Loads some layers.
   *
   * @param model content id of the model's file
   */
  ModelShard load(String model, ShardOptions options);
}
