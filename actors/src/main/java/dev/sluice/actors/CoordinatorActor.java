package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.sluice.actors.coordination.Coordination;
import dev.sluice.actors.coordination.CoordinationOutput;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeOrder;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Hosts {@link Coordination} while this process coordinates: takes the nodes' reports, tells them
 * what to do, and tells gateways where the head is. A gateway subscribes again every now and then;
 * one that has not for {@link #LEASE} is forgotten.
 *
 * <p>It is there before this process coordinates, and after: others address it by its path, and may
 * notice earlier than this process that it is its turn. What they say meanwhile is kept for a
 * moment. (An actor of the same name that took the place of one that stopped would not get their
 * messages: what Akka's remoting knows of a path is the first actor that had it.)
 */
public final class CoordinatorActor extends AbstractBehavior<CoordinatorActor.Command> {
  private static final Duration TICK = Duration.ofMillis(100);

  /** Longest silence of a subscriber. */
  private static final Duration LEASE = Duration.ofSeconds(10);

  private static final int MAX_SUBSCRIBERS = 4096;

  /** Questions that wait for a coordinator to know what runs; more are answered as things stand. */
  private static final int MAX_WAITING = 256;

  /** How long, and how much of, what comes before the turn of this process is kept. */
  private static final Duration EARLY = Duration.ofSeconds(2);

  private static final int MAX_EARLY = 256;

  /** What it is told. */
  public sealed interface Command {}

  /** What is answered only when the coordinator has found out what runs. */
  sealed interface Question extends Command {}

  /** A node tells what it does. */
  record Report(
      NodeReport report,
      ActorRef<NodeActor.Command> node,
      @Nullable ActorRef<SchedulerActor.Command> scheduler)
      implements Command, WireMessage {}

  /** A gateway wants to know where the head is, now and whenever it changes. */
  record Subscribe(ActorRef<DirectoryActor.Command> gateway) implements Command, WireMessage {}

  /** A node could not fetch what it was to fetch for a move. */
  record CannotFetch(NodeId node, String reason) implements Command, WireMessage {}

  /** Places the layers anew. */
  public record Rebalance(ActorRef<Answer> replyTo) implements Question, WireMessage {}

  /** What everybody does. */
  public record AskStatus(ActorRef<Status> replyTo) implements Question, WireMessage {}

  /** What rebalancing would do. */
  public record AskOutlook(ActorRef<Foreseen> replyTo) implements Question, WireMessage {}

  /**
   * What rebalancing would do.
   *
   * @param state of the pipeline
   * @param outlook null where no placement fits
   * @param reason why none does; else empty
   */
  public record Foreseen(PipelineState state, @Nullable Outlook outlook, String reason)
      implements WireMessage {}

  /** A sentence. */
  public record Answer(String text) implements WireMessage {}

  /**
   * What everybody does.
   *
   * @param plan null where there is no pipeline
   * @param nodes that answer, ascending by name
   * @param unreachable nodes that do not
   */
  public record Status(
      PipelineState state,
      @Nullable EpochPlan plan,
      List<NodeReport> nodes,
      List<NodeId> unreachable)
      implements WireMessage {}

  /** A node is a member. */
  public record Joined(NodeId node) implements Command {}

  /** The failure detector says that a node does not answer. */
  public record Unreachable(NodeId node) implements Command {}

  /** It answers again. */
  public record Reachable(NodeId node) implements Command {}

  /** It is no member any more. */
  public record Gone(NodeId node) implements Command {}

  /** This process coordinates from now on; who is a member is told. */
  public record Begin(List<Command> members) implements Command {}

  /** Another process coordinates now, or nobody. */
  public record End() implements Command {}

  private enum Tick implements Command {
    TICK
  }

  private record Planned(@Nullable Outlook outlook, @Nullable Throwable failure)
      implements Command {}

  private record Contact(
      ActorRef<NodeActor.Command> node, @Nullable ActorRef<SchedulerActor.Command> scheduler) {}

  private record Early(Command command, long nanos) {}

  private final CoordinationSettings settings;
  private final Placement placement;
  private final ArrayDeque<Early> early = new ArrayDeque<>();
  private @Nullable Coordination coordination;
  private final Map<NodeId, Contact> contacts = new HashMap<>();
  private final Map<ActorRef<DirectoryActor.Command>, Long> subscribers = new LinkedHashMap<>();
  private final List<Question> waiting = new ArrayList<>();
  private final List<ActorRef<Foreseen>> foreseeing = new ArrayList<>();
  private DirectoryActor.@Nullable Update told;

  /** A coordinator that rests until {@link Begin}, and knows nothing then. */
  public static Behavior<Command> create(CoordinationSettings settings, Placement placement) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new CoordinatorActor(context, timers, settings, placement)));
  }

  private CoordinatorActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      CoordinationSettings settings,
      Placement placement) {
    super(context);
    this.settings = settings;
    this.placement = placement;
    timers.startTimerWithFixedDelay(Tick.TICK, TICK);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder().onAnyMessage(this::onCommand).build();
  }

  private Behavior<Command> onCommand(Command command) {
    Coordination current = coordination;
    if (current != null) {
      handle(current, command);
    } else if (command instanceof Begin(var members)) {
      begin(members);
    } else if (command instanceof Report
        || command instanceof Subscribe
        || command instanceof Question) {
      if (early.size() == MAX_EARLY) {
        early.removeFirst();
      }
      early.addLast(new Early(command, System.nanoTime()));
    }
    return this;
  }

  private void begin(List<Command> members) {
    Coordination current = new Coordination(settings, placement, System::nanoTime, new Output());
    coordination = current;
    members.forEach(command -> handle(current, command));
    long now = System.nanoTime();
    List<Early> kept = List.copyOf(early);
    early.clear();
    for (Early e : kept) {
      if (now - e.nanos() <= EARLY.toNanos()) {
        handle(current, e.command());
      }
    }
  }

  private void end() {
    coordination = null;
    contacts.clear();
    subscribers.clear();
    waiting.clear();
    foreseeing.clear();
    told = null;
  }

  private void handle(Coordination coordination, Command command) {
    switch (command) {
      case Report(var report, var node, var scheduler) -> {
        contacts.put(report.node(), new Contact(node, scheduler));
        coordination.report(report);
      }
      case Subscribe(var gateway) -> {
        if (subscribers.size() < MAX_SUBSCRIBERS || subscribers.containsKey(gateway)) {
          subscribers.put(gateway, System.nanoTime());
          gateway.tell(update(coordination));
        }
      }
      case Question question -> {
        if (coordination.gathers() && waiting.size() < MAX_WAITING) {
          waiting.add(question);
        } else {
          answer(coordination, question);
        }
      }
      case CannotFetch(var node, String reason) -> coordination.cannotFetch(node, reason);
      case Joined(var node) -> coordination.joined(node);
      case Unreachable(var node) -> coordination.unreachable(node);
      case Reachable(var node) -> coordination.reachable(node);
      case Gone(var node) -> {
        coordination.gone(node);
        contacts.remove(node);
      }
      case Planned planned -> onPlanned(coordination, planned);
      case Begin _ -> {}
      case End _ -> {
        end();
        return;
      }
      case Tick _ -> {
        coordination.tick();
        long now = System.nanoTime();
        subscribers.values().removeIf(heard -> now - heard > LEASE.toNanos());
      }
    }
    if (!coordination.gathers()) {
      waiting.forEach(question -> answer(coordination, question));
      waiting.clear();
    }
    publish(update(coordination));
  }

  private void answer(Coordination coordination, Question question) {
    switch (question) {
      case Rebalance(var replyTo) -> replyTo.tell(new Answer(coordination.rebalance()));
      case AskStatus(var replyTo) ->
          replyTo.tell(
              new Status(
                  coordination.state(),
                  coordination.plan(),
                  coordination.reports(),
                  coordination.unreachable()));
      case AskOutlook(var replyTo) -> foresee(coordination, replyTo);
    }
  }

  /** Plans on another thread, once for all who ask meanwhile. */
  private void foresee(Coordination coordination, ActorRef<Foreseen> replyTo) {
    if (foreseeing.size() >= MAX_WAITING) {
      return;
    }
    foreseeing.add(replyTo);
    if (foreseeing.size() == 1) {
      Executor threads =
          getContext().getSystem().dispatchers().lookup(DispatcherSelector.blocking());
      getContext()
          .pipeToSelf(CompletableFuture.supplyAsync(coordination.outlook(), threads), Planned::new);
    }
  }

  private void onPlanned(Coordination coordination, Planned planned) {
    Throwable failure = planned.failure();
    if (failure instanceof CompletionException && failure.getCause() != null) {
      failure = failure.getCause();
    }
    String reason =
        failure == null ? "" : Objects.requireNonNullElse(failure.getMessage(), failure.toString());
    Foreseen foreseen = new Foreseen(coordination.state(), planned.outlook(), reason);
    foreseeing.forEach(asker -> asker.tell(foreseen));
    foreseeing.clear();
  }

  private DirectoryActor.Update update(Coordination coordination) {
    PipelineState state = coordination.state();
    Contact head = state.head() == null ? null : contacts.get(state.head());
    return new DirectoryActor.Update(state, head == null ? null : head.scheduler());
  }

  /** Tells gateways, when it is something else than before. */
  private void publish(DirectoryActor.Update now) {
    if (!Objects.equals(now, told)) {
      told = now;
      subscribers.keySet().forEach(gateway -> gateway.tell(now));
    }
  }

  private final class Output implements CoordinationOutput {
    @Override
    public void order(NodeId node, NodeOrder order) {
      Contact contact = contacts.get(node);
      if (contact != null) {
        contact.node().tell(new NodeActor.Order(order));
      }
    }

    @Override
    public void fetch(StagePlace place, String model) {
      Contact contact = contacts.get(place.node());
      if (contact != null) {
        contact.node().tell(new NodeActor.Fetch(model, place.range()));
      }
    }

    @Override
    public void announce(PipelineState state) {
      // Gateways are told after each event, when all of it is done.
    }

    @Override
    public void log(String text) {
      getContext().getLog().info("{}", text);
    }
  }
}
