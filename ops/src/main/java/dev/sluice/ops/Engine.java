package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What computes for a verb: a pipeline in this process, or a cluster. */
interface Engine extends AutoCloseable {
  /** Where requests go. */
  TokenGenerator generator();

  /** What streams can be run on. */
  ActorSystem<?> system();

  /** Whether requests are computed, and why not. */
  HeadDirectory directory();

  /** How it does at this moment; may fail, as while nobody coordinates a cluster. */
  CompletionStage<PipelineView> view();

  /** Counters since the start, where this process computes. */
  Optional<PipelineStats> stats();

  @Override
  void close();
}
