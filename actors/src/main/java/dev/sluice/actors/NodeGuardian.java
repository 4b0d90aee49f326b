package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.gateway.HeadDirectory;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The root of the actors of a process that runs alone: a node, and what coordinates it. */
final class NodeGuardian extends AbstractBehavior<NodeGuardian.Command> {
  /** What it is told. */
  sealed interface Command {}

  /** Builds a pipeline; the directory tells how that went. */
  record Start(
      NodeEnvironment environment,
      CoordinationSettings settings,
      Placement placement,
      HeadDirectory directory)
      implements Command {}

  /** Ends the pipeline, if there is one, and the actor system after it. */
  record Stop() implements Command {}

  private @Nullable ActorRef<NodeActor.Command> node;

  static Behavior<Command> create() {
    return Behaviors.setup(NodeGuardian::new);
  }

  private NodeGuardian(ActorContext<Command> context) {
    super(context);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Start.class, this::onStart)
        .onMessage(Stop.class, _ -> onStop())
        .onSignal(Terminated.class, _ -> Behaviors.stopped())
        .build();
  }

  private Behavior<Command> onStart(Start start) {
    ActorRef<NodeActor.Command> started =
        getContext().spawn(NodeActor.create(start.environment()), "node");
    getContext().watch(started);
    node = started;
    ActorRef<CoordinatorActor.Command> coordinator =
        getContext()
            .spawn(CoordinatorActor.create(start.settings(), start.placement()), "coordinator");
    coordinator.tell(
        new CoordinatorActor.Begin(
            List.of(new CoordinatorActor.Joined(start.environment().self()))));
    getContext()
        .spawn(DirectoryActor.create(start.directory()), "directory")
        .tell(new DirectoryActor.Follow(coordinator));
    started.tell(new NodeActor.Follow(coordinator));
    return this;
  }

  private Behavior<Command> onStop() {
    ActorRef<NodeActor.Command> current = node;
    if (current == null) {
      return Behaviors.stopped();
    }
    current.tell(new NodeActor.Stop());
    return this;
  }
}
