package dev.sluice.ops;

import akka.actor.typed.ActorSystem;
import dev.sluice.actors.PipelineStats;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.stages.flow.TokenGenerator;
import java.util.Optional;

/** What computes for a verb: a pipeline in this process, or a cluster. */
interface Engine extends AutoCloseable {
  /** Where requests go. */
  TokenGenerator generator();

  /** What streams can be run on. */
  ActorSystem<?> system();

  /** Whether requests are computed, and why not. */
  HeadDirectory directory();

  /** Counters since the start, where this process computes. */
  Optional<PipelineStats> stats();

  @Override
  void close();
}
