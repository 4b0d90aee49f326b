package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;

/**
 * A pipeline in this process.
 *
 * @param pipeline closed with this
 */
record PipelineEngine(Pipeline pipeline) implements Engine {
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
  public void close() {
    pipeline.close();
  }
}
