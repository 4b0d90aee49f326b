package dev.sluice.actors;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenGenerator;

/**
 * A model in this process, cut into shards that are joined by links, ready to generate. For any
 * thread.
 *
 * <p>Whoever starts a pipeline closes it; {@link #close} ends its requests, threads and links and
 * removes its files. The model file belongs to the caller, who closes it after the pipeline.
 */
@SuppressWarnings("DoNotCallSuggester") // signatures first
public final class Pipeline implements AutoCloseable {
  private final ShardPlan plan;

  private Pipeline(ShardPlan plan) {
    this.plan = plan;
  }

  /**
   * Loads the model and returns when every stage is ready.
   *
   * @throws dev.sluice.actors.placement.PlacementException when the layers cannot be spread so
   * @throws dev.sluice.model.gguf.ModelFileException for a file that cannot be used
   * @throws PipelineException when a part could not be started; all of it is closed again
   */
  public static Pipeline start(GgufFile file, PipelineOptions options) {
    return new Pipeline(
        ShardPlan.of(ModelFootprint.of(file), options.stages(), MemoryNeeds.WEIGHTS_ONLY));
  }

  /** Where requests go. */
  public TokenGenerator generator() {
    throw pending();
  }

  /** Counters since the start. */
  public PipelineStats stats() {
    throw pending();
  }

  /** Which layers are where, and why. */
  public ShardPlan plan() {
    return plan;
  }

  /** The actor system that streams can be run on. */
  public ActorSystem<?> system() {
    throw pending();
  }

  /** Ends everything, in bounded time. A second call does nothing. */
  @Override
  public void close() {}

  private static PipelineException pending() {
    return new PipelineException("not built yet");
  }
}
