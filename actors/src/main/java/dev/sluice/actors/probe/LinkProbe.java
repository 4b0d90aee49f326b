package dev.sluice.actors.probe;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.actor.typed.receptionist.Receptionist;
import akka.actor.typed.receptionist.ServiceKey;
import dev.sluice.actors.WireMessage;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Measures the round trips from this node to all others, over the connections of the actors. One to
 * a node; it finds the others by the receptionist, and asks each of them once in an interval. An
 * answer that does not come by the next question is not waited for.
 */
public final class LinkProbe extends AbstractBehavior<LinkProbe.Command> {
  private static final ServiceKey<Command> KEY = ServiceKey.create(Command.class, "link-probe");

  /** Nodes beyond these are not measured; the planner looks at no more either. */
  private static final int MAX_PEERS = 256;

  private static final int MAX_NAME = 255;

  /** What it is told. */
  public sealed interface Command {}

  /** A question of another node's probe, to be answered at once. */
  record Ping(long number, ActorRef<Command> replyTo) implements Command, WireMessage {}

  /** The answer of a node with its name. */
  record Pong(long number, String node) implements Command, WireMessage {}

  private record Ask() implements Command {}

  private record Peers(Receptionist.Listing listing) implements Command {}

  /**
   * Round trips in nanoseconds by the names of nodes.
   *
   * @param nanos of every node that has answered and is still there
   */
  public record Measured(Map<String, Long> nanos) {
    public Measured {
      nanos = Map.copyOf(nanos);
    }
  }

  private record Question(ActorRef<Command> peer, long sentAt) {}

  private final String name;
  private final LongSupplier clock;
  private final ActorRef<Measured> listener;
  private final RoundTrips roundTrips = new RoundTrips();
  private final Map<ActorRef<Command>, String> names = new HashMap<>();
  private final Map<Long, Question> open = new HashMap<>();
  private Set<ActorRef<Command>> peers = Set.of();
  private Map<String, Long> told = Map.of();
  private long number;

  /**
   * A probe.
   *
   * @param name of this node
   * @param interval between questions to a node
   * @param listener told when a figure is new, changes by more than a quarter, or goes
   */
  public static Behavior<Command> create(
      String name, Duration interval, ActorRef<Measured> listener) {
    return create(name, interval, listener, System::nanoTime);
  }

  static Behavior<Command> create(
      String name, Duration interval, ActorRef<Measured> listener, LongSupplier clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new LinkProbe(context, timers, name, interval, listener, clock)));
  }

  private LinkProbe(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      String name,
      Duration interval,
      ActorRef<Measured> listener,
      LongSupplier clock) {
    super(context);
    this.name = name;
    this.clock = clock;
    this.listener = listener;
    var receptionist = context.getSystem().receptionist();
    receptionist.tell(Receptionist.register(KEY, context.getSelf()));
    receptionist.tell(
        Receptionist.subscribe(
            KEY, context.messageAdapter(Receptionist.Listing.class, Peers::new)));
    timers.startTimerWithFixedDelay(new Ask(), interval);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Ping.class, this::onPing)
        .onMessage(Pong.class, this::onPong)
        .onMessage(Ask.class, _ -> onAsk())
        .onMessage(Peers.class, this::onPeers)
        .build();
  }

  private Behavior<Command> onPing(Ping ping) {
    ping.replyTo().tell(new Pong(ping.number(), name));
    return this;
  }

  private Behavior<Command> onPong(Pong pong) {
    Question question = open.remove(pong.number());
    String node = pong.node();
    if (question != null && !node.isBlank() && node.length() <= MAX_NAME) {
      names.put(question.peer(), node);
      roundTrips.add(node, clock.getAsLong() - question.sentAt());
      tell();
    }
    return this;
  }

  private Behavior<Command> onAsk() {
    open.clear();
    for (ActorRef<Command> peer : peers) {
      number++;
      open.put(number, new Question(peer, clock.getAsLong()));
      peer.tell(new Ping(number, getContext().getSelf()));
    }
    return this;
  }

  private Behavior<Command> onPeers(Peers found) {
    Set<ActorRef<Command>> others = new HashSet<>();
    for (ActorRef<Command> peer : found.listing().getServiceInstances(KEY)) {
      if (!peer.equals(getContext().getSelf()) && others.size() < MAX_PEERS) {
        others.add(peer);
      }
    }
    peers = others;
    names.keySet().retainAll(others);
    roundTrips.retain(new HashSet<>(names.values()));
    tell();
    return onAsk();
  }

  private void tell() {
    Map<String, Long> now = roundTrips.nanos();
    if (!now.equals(told)) {
      told = now;
      listener.tell(new Measured(now));
    }
  }
}
