package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.ops.serve.model.PipelineMeter;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A pipeline in this process.
 *
 * @param pipeline closed with this
 * @param meter tells how busy its stages are
 */
record PipelineEngine(Pipeline pipeline, PipelineMeter meter) implements Engine {
  @Override
  public TokenGenerator generator() {
    return pipeline.generator();
  }

  @Override
  public ActorSystem<?> system() {
    return pipeline.system();
  }

  @Override
  public HeadDirectory directory() {
    return pipeline.directory();
  }

  @Override
  public Optional<PipelineStats> stats() {
    return Optional.of(pipeline.stats());
  }

  @Override
  public CompletionStage<PipelineView> view() {
    return CompletableFuture.completedFuture(meter.read(pipeline.stats()));
  }

  @Override
  public void close() {
    pipeline.close();
  }
}
