package dev.sluice.actors.simulation;

import dev.sluice.actors.coordination.Coordination;
import dev.sluice.actors.coordination.CoordinationOutput;
import dev.sluice.actors.coordination.CoordinationSettings;
import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeOrder;
import dev.sluice.actors.coordination.NodeResources;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.placement.NodeOffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Machines, the lives of the nodes on them, and what a cluster knows of them: who is a member, and
 * who answers whom. A node that is silent for a while is removed, and begins a new life when it
 * notices. Each node takes the oldest member that answers it for the coordinator, so that there may
 * be two for a time.
 */
final class SimCluster {
  /** Silence after which a node counts as unreachable, and after which it is removed. */
  private static final Duration UNREACHABLE = Duration.ofSeconds(1);

  static final Duration REMOVED = Duration.ofSeconds(6);

  private static final Duration CHECK = Duration.ofMillis(200);

  /** Who does not answer, and since when. */
  private static final class View {
    final Map<NodeId, Long> silent = new HashMap<>();
    final Set<NodeId> unreachable = new HashSet<>();
  }

  private final Simulation simulation;
  private final SimNetwork network;
  private final Placement placement;
  private final Map<String, Integer> capacities = new HashMap<>();
  private final List<SimNode> lives = new ArrayList<>();

  /** Members, the oldest first. */
  private final List<SimNode> members = new ArrayList<>();

  /** Since when a member has not been heard by any other. */
  private final Map<NodeId, Long> silentSince = new HashMap<>();

  /** What each machine thinks of the members. */
  private final Map<String, View> views = new HashMap<>();

  private final Set<String> away = new HashSet<>();
  private final Map<Coordination, SimGateway> subscribed = new HashMap<>();
  private long uids;
  private final StringBuilder log = new StringBuilder();

  SimCluster(Simulation simulation, SimNetwork network, Placement placement) {
    this.simulation = simulation;
    this.network = network;
    this.placement = placement;
    simulation.every(CHECK, this::check);
  }

  SimNetwork network() {
    return network;
  }

  /** What coordinators and histories noted. */
  String log() {
    return log.toString();
  }

  void note(String text) {
    log.append("%n%8.3f s  %s".formatted(simulation.now() / 1e9, text));
  }

  /** A new machine, and a node on it. */
  void machine(String name, int layers) {
    capacities.put(name, layers);
    join(name);
  }

  NodeResources resources(NodeId id) {
    int layers = Objects.requireNonNull(capacities.get(id.name()));
    NodeOffer offer = NodeOffer.unmeasured(id.name(), layers, 1);
    return new NodeResources(DataAddress.NONE, offer, "test", null, null);
  }

  /** The life of that id, unless it has ended. */
  @Nullable SimNode life(NodeId id) {
    return lives.stream().filter(n -> n.id().equals(id) && n.alive()).findFirst().orElse(null);
  }

  /** The present life on a machine. */
  @Nullable SimNode on(String machine) {
    return lives.stream()
        .filter(n -> n.id().name().equals(machine) && n.alive())
        .findFirst()
        .orElse(null);
  }

  List<String> machines() {
    return capacities.keySet().stream().sorted().toList();
  }

  private void join(String machine) {
    away.remove(machine);
    SimNode node = new SimNode(simulation, this, new NodeId(machine, ++uids));
    note(machine + " joins, life " + uids);
    lives.removeIf(n -> !n.alive());
    lives.add(node);
    for (SimNode older : List.copyOf(members)) {
      if (older.id().name().equals(machine)) {
        remove(older);
      }
    }
    members.add(node);
    views.remove(machine);
    coordinators(c -> c.joined(node.id()));
  }

  private void remove(SimNode node) {
    members.remove(node);
    silentSince.remove(node.id());
    note(node.id().name() + " is removed, life " + node.id().uid());
    coordinators(c -> c.gone(node.id()));
  }

  private void coordinators(Consumer<Coordination> action) {
    members.forEach(node -> withCoordination(node, action));
  }

  /** To the coordinator, as the sender sees it. */
  void toCoordinator(SimNode from, Consumer<Coordination> message) {
    SimNode node = coordinator(from.id().name());
    if (node != null) {
      network.send(from.id().name(), node.id().name(), () -> withCoordination(node, message));
    }
  }

  private static void withCoordination(SimNode node, Consumer<Coordination> action) {
    node.happens(
        () -> {
          Coordination coordination = node.coordination;
          if (coordination != null) {
            action.accept(coordination);
          }
        });
  }

  /** Whom a machine takes for the coordinator: the oldest member that answers it. */
  private @Nullable SimNode coordinator(String machine) {
    View view = views.computeIfAbsent(machine, _ -> new View());
    return members.stream()
        .filter(m -> m.id().name().equals(machine) || !view.unreachable.contains(m.id()))
        .findFirst()
        .orElse(null);
  }

  private void check() {
    for (SimNode node : List.copyOf(members)) {
      boolean heard =
          node.answers()
              && (members.size() == 1
                  || members.stream()
                      .anyMatch(m -> m != node && connected(m, node) && m.answers()));
      if (heard) {
        silentSince.remove(node.id());
      } else {
        long since = silentSince.computeIfAbsent(node.id(), _ -> simulation.now());
        boolean majority = silentSince.size() * 2 < members.size();
        if (simulation.now() - since >= REMOVED.toNanos() && (majority || !node.alive())) {
          remove(node);
        }
      }
    }
    for (SimNode node : List.copyOf(lives)) {
      if (node.alive() && !members.contains(node) && node.answers()) {
        note(node.id().name() + " learns that it was removed");
        node.die();
      }
    }
    for (String machine : machines()) {
      if (on(machine) == null && away.add(machine)) {
        restart(machine);
      }
    }
    look(SimGateway.MACHINE, null);
    for (SimNode node : List.copyOf(members)) {
      if (node.answers()) {
        look(node.id().name(), node);
        seat(node);
      } else {
        views.computeIfAbsent(node.id().name(), _ -> new View()).silent.clear();
      }
    }
  }

  private void restart(String machine) {
    simulation.after(
        simulation.between(Duration.ofMillis(500), Duration.ofSeconds(15)),
        () -> {
          if (network.connected(machine, "anybody")) {
            join(machine);
          } else {
            restart(machine);
          }
        });
  }

  private void seat(SimNode node) {
    boolean mine = node == coordinator(node.id().name());
    if (!mine) {
      node.coordination = null;
    } else if (node.coordination == null) {
      note(node.id().name() + " has the coordinator");
      Output output = new Output(node);
      Coordination coordination =
          new Coordination(
              CoordinationSettings.cluster(1, Duration.ofSeconds(20)),
              placement,
              simulation::now,
              output);
      output.coordination = coordination;
      node.coordination = coordination;
      members.forEach(m -> coordination.joined(m.id()));
      views
          .computeIfAbsent(node.id().name(), _ -> new View())
          .unreachable
          .forEach(coordination::unreachable);
    }
  }

  /** What the failure detector of a machine sees, and a coordinator there is told. */
  private void look(String machine, @Nullable SimNode node) {
    View view = views.computeIfAbsent(machine, _ -> new View());
    Coordination coordination = node == null ? null : node.coordination;
    view.silent.keySet().removeIf(id -> life(id) == null && !isMember(id));
    view.unreachable.removeIf(id -> !isMember(id));
    for (SimNode other : List.copyOf(members)) {
      NodeId id = other.id();
      if (other.answers() && network.connected(machine, id.name())) {
        view.silent.remove(id);
        if (view.unreachable.remove(id) && coordination != null) {
          coordination.reachable(id);
        }
      } else {
        long since = view.silent.computeIfAbsent(id, _ -> simulation.now());
        if (simulation.now() - since >= UNREACHABLE.toNanos()
            && view.unreachable.add(id)
            && coordination != null) {
          coordination.unreachable(id);
        }
      }
    }
  }

  private boolean isMember(NodeId id) {
    return members.stream().anyMatch(m -> m.id().equals(id));
  }

  private boolean connected(SimNode one, SimNode other) {
    return network.connected(one.id().name(), other.id().name());
  }

  /** A gateway asks the coordinator that it follows; from then on that one tells it of changes. */
  void subscribe(SimGateway gateway) {
    SimNode seat = coordinator(SimGateway.MACHINE);
    if (seat != null) {
      network.send(
          SimGateway.MACHINE,
          seat.id().name(),
          () ->
              withCoordination(
                  seat,
                  coordination -> {
                    subscribed.put(coordination, gateway);
                    announce(seat, coordination);
                  }));
    }
  }

  private void announce(SimNode from, Coordination coordination) {
    SimGateway to = subscribed.get(coordination);
    if (to != null) {
      PipelineState state = coordination.state();
      network.send(from.id().name(), SimGateway.MACHINE, () -> to.on(state));
    }
  }

  private final class Output implements CoordinationOutput {
    private final SimNode node;
    private @Nullable Coordination coordination;

    Output(SimNode node) {
      this.node = node;
    }

    @Override
    public void order(NodeId to, NodeOrder order) {
      network.send(
          node.id().name(),
          to.name(),
          () -> {
            SimNode target = life(to);
            if (target != null) {
              target.happens(() -> target.duties().order(order));
            }
          });
    }

    @Override
    public void fetch(StagePlace place, String model) {
      // Every node has all layers here.
    }

    @Override
    public void announce(PipelineState state) {
      Coordination its = coordination;
      if (its != null) {
        SimCluster.this.announce(node, its);
      }
    }

    @Override
    public void log(String text) {
      note(node.id().name() + ": " + text);
    }
  }
}
