package dev.sluice.actors;

import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.grammar.TokenVocabulary;

/** Loads a shard; several threads may load at once. */
@FunctionalInterface
interface ShardFactory {
  ModelShard load(ShardOptions options);

  /** The tokens of the model, for grammars; the same object each time. */
  default TokenVocabulary vocabulary() {
    throw new IllegalStateException("this model has no vocabulary");
  }
}
