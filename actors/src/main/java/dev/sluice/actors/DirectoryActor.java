package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.gateway.HeadDirectory;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Keeps a gateway's {@link HeadDirectory} up to date, by what the coordinator says. */
public final class DirectoryActor extends AbstractBehavior<DirectoryActor.Command> {
  private static final Duration RENEW = Duration.ofSeconds(1);

  /** What it is told. */
  public sealed interface Command {}

  /** How the pipeline does; {@code head} is null where it is not known. */
  public record Update(PipelineState state, @Nullable ActorRef<SchedulerActor.Command> head)
      implements Command, WireMessage {}

  /** Who coordinates now. */
  public record Follow(ActorRef<CoordinatorActor.Command> coordinator) implements Command {}

  private enum Tick implements Command {
    TICK
  }

  private final HeadDirectory directory;
  private final ActorRef<SchedulerActor.Reply> replies;
  private @Nullable ActorRef<CoordinatorActor.Command> coordinator;

  /** One that waits to be told whom to ask. */
  public static Behavior<Command> create(HeadDirectory directory) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new DirectoryActor(context, timers, directory)));
  }

  private DirectoryActor(
      ActorContext<Command> context, TimerScheduler<Command> timers, HeadDirectory directory) {
    super(context);
    this.directory = directory;
    replies = context.spawn(replies(directory), "replies");
    timers.startTimerWithFixedDelay(Tick.TICK, RENEW);
  }

  private static Behavior<SchedulerActor.Reply> replies(HeadDirectory directory) {
    return Behaviors.receive(SchedulerActor.Reply.class)
        .onAnyMessage(
            reply -> {
              directory.reply(reply);
              return Behaviors.same();
            })
        .build();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder().onAnyMessage(this::onCommand).build();
  }

  private Behavior<Command> onCommand(Command command) {
    switch (command) {
      case Update update -> publish(head(update));
      case Follow follow -> {
        coordinator = follow.coordinator();
        subscribe();
      }
      case Tick _ -> subscribe();
    }
    return this;
  }

  private void subscribe() {
    ActorRef<CoordinatorActor.Command> to = coordinator;
    if (to != null) {
      to.tell(new CoordinatorActor.Subscribe(getContext().getSelf()));
    }
  }

  private void publish(HeadDirectory.Head head) {
    if (!head.equals(directory.head())) {
      directory.publish(head);
    }
  }

  private HeadDirectory.Head head(Update update) {
    PipelineState state = update.state();
    ActorRef<SchedulerActor.Command> head = update.head();
    HeadDirectory.Head missing = new HeadDirectory.Missing(state.reason());
    return switch (state.status()) {
      case SERVING -> head == null ? missing : new HeadDirectory.At(head, replies);
      // One that lives on keeps its generations; another one is worth asking when it serves.
      case BUILDING ->
          head != null && directory.head().equals(new HeadDirectory.At(head, replies))
              ? directory.head()
              : missing;
      case UNAVAILABLE -> new HeadDirectory.Unavailable(state.reason(), state.retryAfter());
      case CLOSED -> new HeadDirectory.Closed(state.reason());
    };
  }
}
