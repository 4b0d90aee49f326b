package dev.sluice.actors;

import akka.NotUsed;
import akka.actor.typed.ActorSystem;
import akka.stream.javadsl.Source;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.kernel.WorkerPool;
import dev.sluice.model.reference.ReferenceShards;
import dev.sluice.model.shard.ModelShards;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenGenerator;
import dev.sluice.stages.flow.TokenRequest;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A model in this process, cut into shards that are joined by links, ready to generate. For any
 * thread.
 *
 * <p>Whoever starts a pipeline closes it; {@link #close} ends its requests, threads and links and
 * removes its files. The model file belongs to the caller, who closes it after the pipeline.
 */
public final class Pipeline implements AutoCloseable {
  private final PipelineRuntime runtime;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Pipeline(PipelineRuntime runtime) {
    this.runtime = runtime;
  }

  /**
   * Loads the model and returns when every stage is ready.
   *
   * @throws dev.sluice.actors.placement.PlacementException when the layers cannot be spread so
   * @throws dev.sluice.model.gguf.ModelFileException for a file that cannot be used, or an adapter
   *     that does not fit it
   * @throws PipelineException when a part could not be started; all of it is closed again
   */
  public static Pipeline start(GgufFile file, PipelineOptions options) {
    options.adapters().forEach(scaled -> scaled.adapter().checkRunnable(file));
    ModelFootprint footprint = ModelFootprint.of(file);
    ModelSpec spec = footprint.spec();
    int context = options.effectiveContext(spec.contextLength());
    ModelShape shape = new ModelShape(spec.embeddingLength(), spec.vocabularySize(), context);
    ShardPlan plan =
        ShardPlan.of(
            footprint,
            options.stages(),
            new MemoryNeeds(
                options.effectiveKvTokens(spec.contextLength()),
                options.kvType(),
                options.effectiveTokenBudget(),
                options.effectiveLogitRows(spec.vocabularySize()),
                0,
                options.kvReplica()));
    return switch (options.backend()) {
      case VECTOR -> {
        WorkerPool pool = new WorkerPool(options.threads(), options.kernels());
        FileShards shards = new FileShards(file, o -> ModelShards.load(file, o, pool));
        yield start(plan, shape, shards, options, pool);
      }
      case ND4J -> {
        FileShards shards = new FileShards(file, o -> ReferenceShards.load(file, o));
        yield start(plan, shape, shards, options, () -> {});
      }
    };
  }

  /**
   * Starts a pipeline of any shards.
   *
   * @param resource closed when the pipeline is, or cannot be started
   */
  static Pipeline start(
      ShardPlan plan,
      ModelShape shape,
      ShardFactory factory,
      PipelineOptions options,
      AutoCloseable resource) {
    PipelineRuntime runtime = new PipelineRuntime(options, resource);
    try {
      runtime.start(plan, shape, factory);
      return new Pipeline(runtime);
    } catch (RuntimeException | Error e) {
      runtime.close();
      throw e;
    }
  }

  /** Where requests go. */
  public TokenGenerator generator() {
    return this::generate;
  }

  private Source<TokenEvent, NotUsed> generate(TokenRequest request) {
    return runtime.generate(request);
  }

  /** Whether requests are computed, and why not. */
  public HeadDirectory directory() {
    return runtime.directory();
  }

  /** Counters since the start. */
  public PipelineStats stats() {
    return runtime.stats();
  }

  /** Which layers are where, and why. */
  public ShardPlan plan() {
    return runtime.plan();
  }

  /** The actor system that streams can be run on. It ends with the pipeline. */
  public ActorSystem<?> system() {
    return runtime.system();
  }

  /**
   * Ends everything within the time that the options give: requests fail, stages end after the
   * micro-batch that they are at, links and threads go. A second call does nothing.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      runtime.close();
    }
  }
}
