package dev.sluice.ops.serve.model;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineStats;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What computes: a pipeline in this process, or a cluster. For any thread. */
public interface Backend {
  /** Where requests go. */
  TokenGenerator generator();

  /** What its streams run on; another one after this process has joined its cluster again. */
  ActorSystem<?> system();

  /** Why requests would not be computed now; empty where they would. */
  Optional<String> trouble();

  /** How it does at this moment; may fail, as while nobody coordinates a cluster. */
  CompletionStage<PipelineView> view();

  /** Counters since the start, where this process computes. */
  Optional<PipelineStats> stats();
}
