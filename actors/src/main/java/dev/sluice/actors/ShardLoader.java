package dev.sluice.actors;

import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.stages.grammar.TokenVocabulary;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Loads shards of the models that a node has or can get; several threads may load at once. */
public interface ShardLoader {
  /**
   * Loads some layers, whose weights are here.
   *
   * @param model content id of the model's file
   */
  ModelShard load(String model, ShardOptions options);

  /**
   * Brings the weights of some layers here, from other nodes where this one lacks them.
   *
   * @param progress told how far it is, on any thread
   * @return done when {@link #load} can be called, which may be at once; fails with what went
   *     wrong; cancelling it ends the fetch
   */
  default CompletableFuture<Void> bring(
      String model, LayerRange range, Consumer<FetchProgress> progress) {
    return CompletableFuture.completedFuture(null);
  }

  /** The cluster runs that model, so that this node may have to place or to load it soon. */
  default void foresee(String model) {}

  /**
   * The tokens of a model, for grammars; the same object each time.
   *
   * @param model content id of the model's file
   * @throws RuntimeException saying why, where there are none
   */
  default TokenVocabulary vocabulary(String model) {
    throw new IllegalStateException("this node knows no vocabulary");
  }
}
