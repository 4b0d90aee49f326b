package dev.sluice.actors.coordination;

import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Nodes that do at once what they are told, and a coordinator whom they tell it, without threads:
 * orders and reports wait in queues until {@link #settle}. Time stands still unless it is moved.
 */
final class SimulatedNodes {
  static final PipelineSizes SIZES =
      new PipelineSizes(
          8,
          16,
          64,
          64,
          KvType.F32,
          8,
          4,
          16,
          8,
          12,
          12,
          16,
          Duration.ofMinutes(1),
          Duration.ofMinutes(1),
          false,
          true);

  /** One layer for every node, in the order of their ids; at least two nodes. */
  private final class OneLayerEach implements Placement {
    @Override
    public Placed place(
        List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
      if (nodes.size() < 2) {
        throw new PlacementException("two nodes are needed");
      }
      List<StagePlace> stages = new ArrayList<>();
      for (NodeReport node : nodes) {
        int layer = stages.size();
        stages.add(new StagePlace(node.node(), DataAddress.NONE, new LayerRange(layer, layer + 1)));
      }
      return new Placed("model", SIZES, stages, "one each");
    }

    @Override
    public List<StagePlace> lacking(Placed placed, List<NodeReport> answering) {
      return placed.stages().stream().filter(s -> lacking.contains(s.node())).toList();
    }
  }

  long now;
  final List<String> log = new ArrayList<>();

  /** Nodes without weights. */
  final Set<NodeId> lacking = new HashSet<>();

  /** What nodes were told to fetch. */
  final Set<StagePlace> fetches = new HashSet<>();

  final Map<NodeId, Node> nodes = new LinkedHashMap<>();
  Coordination coordination;

  private final List<Runnable> mail = new ArrayList<>();

  SimulatedNodes(int count) {
    coordination = coordinator();
    for (int i = 0; i < count; i++) {
      add(i, 0);
    }
  }

  Node add(int number, long uid) {
    Node node = new Node(new NodeId("node" + number, uid));
    nodes.put(node.id, node);
    coordination.joined(node.id);
    return node;
  }

  Node node(int number) {
    return nodes.values().stream()
        .filter(n -> n.id.name().equals("node" + number))
        .reduce((_, later) -> later)
        .orElseThrow();
  }

  /** Another coordinator, which knows nothing. */
  Coordination coordinator() {
    return new Coordination(
        CoordinationSettings.cluster(2, Duration.ofMinutes(1)),
        new OneLayerEach(),
        () -> now,
        new CoordinationOutput() {
          @Override
          public void order(NodeId node, NodeOrder order) {
            mail.add(
                () -> {
                  Node to = nodes.get(node);
                  if (to != null && !to.deaf) {
                    to.duties.order(order);
                    to.told();
                  }
                });
          }

          @Override
          public void fetch(StagePlace place, String model) {
            fetches.add(place);
          }

          @Override
          public void announce(PipelineState state) {}

          @Override
          public void log(String text) {
            log.add(text);
          }
        });
  }

  /** Every node reports, and all orders and reports arrive, until nothing happens any more. */
  void settle() {
    nodes.values().forEach(Node::report);
    int steps = 0;
    while (!mail.isEmpty()) {
      if (++steps > 10_000) {
        throw new IllegalStateException("it does not settle: " + log);
      }
      mail.removeFirst().run();
    }
  }

  /** Time passes, in steps of a tick. */
  void pass(Duration time) {
    long end = now + time.toNanos();
    while (now < end) {
      now += Duration.ofMillis(100).toNanos();
      coordination.tick();
      settle();
    }
  }

  PipelineState.Status status() {
    return coordination.state().status();
  }

  final class Node implements NodeOutput {
    final NodeId id;
    final NodeDuties duties;

    /** Gets no orders, and reports nothing. */
    boolean deaf;

    /** Cannot load what it is told to. */
    boolean broken;

    Map<String, Long> roundTrips = Map.of();
    @Nullable Attachment attached;
    boolean hasHead;
    int heads;
    private @Nullable Runnable pending;

    Node(NodeId id) {
      this.id = id;
      this.duties = new NodeDuties(id, this);
    }

    void report() {
      if (!deaf) {
        NodeReport report =
            duties.report(
                new NodeResources(
                    DataAddress.NONE,
                    new NodeOffer(id.name(), 1 << 20, 1, Map.of(), roundTrips),
                    "",
                    null,
                    null),
                NodeLoad.NONE);
        mail.add(() -> coordination.report(report));
      }
    }

    /** What an order led to happens after it. */
    void told() {
      Runnable next = pending;
      pending = null;
      if (next != null) {
        next.run();
      }
      report();
    }

    @Override
    public void host(EpochPlan plan, List<Integer> stages) {
      KvUsage kv = new KvUsage(0, 8, 8, 0, 0);
      pending =
          () -> {
            for (int stage : stages) {
              if (broken) {
                duties.stageEnded(plan.epoch(), stage, StageReport.State.FAILED, "no such file");
              } else {
                duties.stageReady(plan.epoch(), StageReport.ready(stage, kv, List.of()));
              }
            }
          };
    }

    @Override
    public void hostNothing() {}

    @Override
    public void startHead(EpochPlan plan) {
      hasHead = true;
      heads++;
    }

    @Override
    public void suspendHead(String reason) {
      attached = null;
    }

    @Override
    public void attachHead(EpochPlan plan, Attachment attachment) {
      attached = attachment;
      pending = () -> duties.headAttached(plan.epoch());
    }

    @Override
    public void dropHead() {
      hasHead = false;
      attached = null;
    }

    @Override
    public void changed() {}
  }
}
