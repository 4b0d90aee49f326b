package dev.sluice.actors;

import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;

/** Loads a shard; several threads may load at once. */
@FunctionalInterface
interface ShardFactory {
  ModelShard load(ShardOptions options);
}
