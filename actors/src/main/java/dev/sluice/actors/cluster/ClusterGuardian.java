package dev.sluice.actors.cluster;

import akka.actor.Address;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.cluster.ClusterEvent;
import akka.cluster.MemberStatus;
import akka.cluster.UniqueAddress;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.Leave;
import akka.cluster.typed.Subscribe;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.DirectoryActor;
import dev.sluice.actors.NodeActor;
import dev.sluice.actors.NodeEnvironment;
import dev.sluice.actors.WireMessage;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.gateway.HeadDirectory;
import dev.sluice.actors.probe.LinkProbe;
import dev.sluice.actors.weights.TransferLimits;
import dev.sluice.actors.weights.WeightTransfer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The root of a member's actors: a node where it hosts layers, the directory of its gateway, and a
 * coordinator, which rests unless this member is the one to coordinate.
 */
final class ClusterGuardian extends AbstractBehavior<ClusterGuardian.Command> {
  private static final String COORDINATOR = "coordinator";
  private static final Duration KNOCK = Duration.ofSeconds(2);

  /** What it is told. */
  sealed interface Command {}

  /** The member gives up its part, then leaves the cluster, which ends the actor system. */
  record Depart() implements Command {}

  /** Tells who coordinates. */
  record WhoCoordinates(ActorRef<Optional<ActorRef<CoordinatorActor.Command>>> replyTo)
      implements Command {}

  /**
   * To a member that does not answer: changes nothing there. But where that member has removed this
   * one, its remoting says so in return, as it does to anything but heartbeats. Akka itself sends
   * only these to who is unreachable.
   *
   * @param from host and port
   */
  record Knock(String from) implements Command, WireMessage {}

  /**
   * To a node that was seen before, or is to be joined, from one that is in no cluster and looks
   * for one.
   *
   * @param from host and port
   */
  record Seeks(String from) implements Command, WireMessage {}

  private enum Tick implements Command {
    TICK
  }

  private record MemberChange(ClusterEvent.MemberEvent event) implements Command {}

  private record ReachabilityChange(ClusterEvent.ReachabilityEvent event) implements Command {}

  private record Relieved() implements Command {}

  private record LinksMeasured(LinkProbe.Measured figures) implements Command {}

  /**
   * What a member is made of.
   *
   * @param library models that are fetched for and given to others; null for a process without any
   * @param limits of what is fetched
   * @param node makes what the process lends to its node; null where it hosts no layers
   * @param links takes the round trips that its node measures
   * @param probeInterval between two questions to the same node
   * @param hosts told of each member that hosts layers
   * @param named whom the settings name to be joined
   * @param founds whether this process is the one that forms the cluster where there is none
   */
  record Parts(
      @Nullable ModelLibrary library,
      TransferLimits limits,
      @Nullable Function<NodeId, NodeEnvironment> node,
      Consumer<Map<String, Long>> links,
      Duration probeInterval,
      @Nullable Placement placement,
      CoordinationSettings settings,
      HeadDirectory directory,
      KnownHosts hosts,
      List<Address> named,
      boolean founds) {}

  private final Parts parts;
  private final Cluster cluster;
  private final MemberTable members;
  private final ActorRef<DirectoryActor.Command> directory;
  private final @Nullable ActorRef<NodeActor.Command> node;
  private final @Nullable ActorRef<CoordinatorActor.Command> coordinator;
  private final Set<String> seekers = new HashSet<>();
  private @Nullable UniqueAddress followed;

  static Behavior<Command> create(Parts parts) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new ClusterGuardian(context, timers, parts)));
  }

  private ClusterGuardian(
      ActorContext<Command> context, TimerScheduler<Command> timers, Parts parts) {
    super(context);
    timers.startTimerWithFixedDelay(Tick.TICK, KNOCK);
    this.parts = parts;
    cluster = Cluster.get(context.getSystem());
    members = new MemberTable(self());
    Placement placement = parts.placement();
    coordinator =
        placement == null
            ? null
            : context.spawn(CoordinatorActor.create(parts.settings(), placement), COORDINATOR);
    directory = context.spawn(DirectoryActor.create(parts.directory()), "directory");
    Function<NodeId, NodeEnvironment> environment = parts.node();
    ModelLibrary library = parts.library();
    if (library != null) {
      boolean serves = environment != null;
      library.connect(WeightTransfer.start(context, library.store(), parts.limits(), serves));
    }
    node =
        environment == null
            ? null
            : context.spawn(NodeActor.create(environment.apply(MemberTable.id(self()))), "node");
    if (node != null) {
      context.spawn(
          LinkProbe.create(
              MemberTable.id(self()).name(),
              parts.probeInterval(),
              context.messageAdapter(LinkProbe.Measured.class, LinksMeasured::new)),
          "link-probe");
    }
    cluster
        .subscriptions()
        .tell(
            Subscribe.create(
                context.messageAdapter(ClusterEvent.MemberEvent.class, MemberChange::new),
                ClusterEvent.MemberEvent.class));
    cluster
        .subscriptions()
        .tell(
            Subscribe.create(
                context.messageAdapter(
                    ClusterEvent.ReachabilityEvent.class, ReachabilityChange::new),
                ClusterEvent.ReachabilityEvent.class));
  }

  private UniqueAddress self() {
    return cluster.selfMember().uniqueAddress();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(MemberChange.class, change -> onMember(change.event()))
        .onMessage(
            ReachabilityChange.class, change -> onChange(members.onReachability(change.event())))
        .onMessage(Tick.class, _ -> onTick())
        .onMessage(Knock.class, _ -> this)
        .onMessage(Seeks.class, this::onSeeks)
        .onMessage(Depart.class, _ -> onDepart())
        .onMessage(Relieved.class, _ -> onRelieved())
        .onMessage(WhoCoordinates.class, this::onWho)
        .onMessage(LinksMeasured.class, this::onLinks)
        .build();
  }

  private Behavior<Command> onMember(ClusterEvent.MemberEvent event) {
    if (event.member().hasRole(Role.SHARD.label())) {
      parts.hosts().seen(event.member().address());
    }
    return onChange(members.onMember(event));
  }

  private Behavior<Command> onChange(List<CoordinatorActor.Command> news) {
    ActorRef<CoordinatorActor.Command> mine = coordinator;
    if (mine != null && self().equals(followed)) {
      news.forEach(mine::tell);
    }
    follow();
    return this;
  }

  /** Begins or ends to coordinate, and tells the other parts who does. */
  private void follow() {
    UniqueAddress wanted = members.coordinator().orElse(null);
    if (wanted == null || wanted.equals(followed)) {
      return;
    }
    ActorRef<CoordinatorActor.Command> mine = coordinator;
    if (mine != null && self().equals(followed)) {
      mine.tell(new CoordinatorActor.End());
    } else if (mine != null && self().equals(wanted)) {
      mine.tell(new CoordinatorActor.Begin(members.snapshot()));
    }
    followed = wanted;
    ActorRef<CoordinatorActor.Command> there = resolve(wanted);
    directory.tell(new DirectoryActor.Follow(there));
    if (node != null) {
      node.tell(new NodeActor.Follow(there));
    }
  }

  private ActorRef<CoordinatorActor.Command> resolve(UniqueAddress at) {
    ActorRef<CoordinatorActor.Command> mine = coordinator;
    if (mine != null && at.equals(self())) {
      return mine;
    }
    return ActorRefResolver.get(getContext().getSystem())
        .resolveActorRef(at.address() + "/user/" + COORDINATOR);
  }

  private Behavior<Command> onWho(WhoCoordinates who) {
    who.replyTo().tell(Optional.ofNullable(followed).map(this::resolve));
    return this;
  }

  private Behavior<Command> onLinks(LinksMeasured measured) {
    parts.links().accept(measured.figures().nanos());
    return this;
  }

  private Behavior<Command> onTick() {
    String me = self().address().hostPort();
    members.unreachable().forEach(member -> tell(member.address(), new Knock(me)));
    if (isOutside()) {
      Stream.concat(parts.named().stream(), parts.hosts().others(self().address()).stream())
          .filter(address -> !address.equals(self().address()))
          .distinct()
          .forEach(address -> tell(address, new Seeks(me)));
    }
    return this;
  }

  private void tell(Address address, Command command) {
    ActorRef<Command> there =
        ActorRefResolver.get(getContext().getSystem()).resolveActorRef(address + "/user");
    there.tell(command);
  }

  private boolean isOutside() {
    return cluster.selfMember().status().equals(MemberStatus.removed());
  }

  /**
   * The last one of a cluster whose other nodes were lost, and were started again, looks for them
   * as they look for it. When more than half of all that it knew do, there is no cluster any more.
   */
  private Behavior<Command> onSeeks(Seeks seeks) {
    List<Address> others = parts.hosts().others(self().address());
    if (parts.founds()
        && isOutside()
        && others.stream().anyMatch(other -> other.hostPort().equals(seeks.from()))
        && seekers.add(seeks.from())
        && 2 * (seekers.size() + 1) > others.size() + 1) {
      cluster.manager().tell(Join.create(self().address()));
    }
    return this;
  }

  private Behavior<Command> onDepart() {
    if (node == null || followed == null) {
      return onRelieved();
    }
    node.tell(
        new NodeActor.Leave(
            getContext().messageAdapter(NodeActor.Relieved.class, _ -> new Relieved())));
    return this;
  }

  private Behavior<Command> onRelieved() {
    cluster.manager().tell(Leave.create(self().address()));
    return this;
  }
}
