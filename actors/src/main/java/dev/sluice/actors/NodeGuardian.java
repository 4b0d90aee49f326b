package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The root of a node's actors: has the coordinator of the pipeline that runs here. */
final class NodeGuardian extends AbstractBehavior<NodeGuardian.Command> {
  /** What it is told. */
  sealed interface Command {}

  /** Builds a pipeline. */
  record StartPipeline(
      PipelineBlueprint blueprint,
      AtomicReference<PipelineStats.Scheduling> stats,
      AtomicInteger epochs,
      ActorRef<PipelineCoordinator.Outcome> replyTo)
      implements Command {}

  /** Ends the pipeline, if there is one, and the node's actor system after it. */
  record Stop() implements Command {}

  private @Nullable ActorRef<PipelineCoordinator.Command> coordinator;

  static Behavior<Command> create() {
    return Behaviors.setup(NodeGuardian::new);
  }

  private NodeGuardian(ActorContext<Command> context) {
    super(context);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(StartPipeline.class, this::onStart)
        .onMessage(Stop.class, _ -> onStop())
        .onSignal(Terminated.class, _ -> Behaviors.stopped())
        .build();
  }

  private Behavior<Command> onStart(StartPipeline start) {
    if (coordinator != null) {
      start
          .replyTo()
          .tell(new PipelineCoordinator.StartFailed("the node runs a pipeline already", null));
      return this;
    }
    ActorRef<PipelineCoordinator.Command> started =
        getContext()
            .spawn(
                PipelineCoordinator.create(
                    start.blueprint(), start.stats(), start.epochs(), start.replyTo()),
                "coordinator");
    getContext().watch(started);
    coordinator = started;
    return this;
  }

  private Behavior<Command> onStop() {
    ActorRef<PipelineCoordinator.Command> current = coordinator;
    if (current == null) {
      return Behaviors.stopped();
    }
    current.tell(new PipelineCoordinator.Stop());
    return this;
  }
}
