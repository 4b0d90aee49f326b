package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.cluster.ClusterSettings;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.coordination.StagePlace;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Nodes in processes of their own, at addresses that stay theirs, and this process as the gateway.
 */
final class FaultCluster implements AutoCloseable {
  static final Duration LIMIT = Duration.ofMinutes(4);

  /** Starts the process of the node at an address. */
  interface Starter {
    SluiceProcess start(String address, List<String> arguments) throws IOException;
  }

  /** What is done to the cluster while streams run. */
  interface Fault {
    void happen(CoordinatorActor.Status before, FaultStreams streams) throws Exception;
  }

  private final Starter starter;
  private final List<String> arguments;
  private final Map<String, SluiceProcess> processes = new TreeMap<>();
  private final List<SluiceProcess> all = new ArrayList<>();
  private final Queue<String> gatewaySaid = new ConcurrentLinkedQueue<>();
  private @Nullable ClusterNode gateway;

  /** Addresses on the loopback device that were free a moment ago, ascending. */
  static List<String> freeAddresses(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return sockets.stream().map(s -> "127.0.0.1:" + s.getLocalPort()).sorted().toList();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  /** A cluster without nodes, whose processes have their output in {@code folder}. */
  FaultCluster(Path folder, String... arguments) {
    this((_, line) -> SluiceProcess.start(folder, line.toArray(String[]::new)), arguments);
  }

  /**
   * A cluster without nodes.
   *
   * @param arguments of every node, besides its address and whom to join
   */
  FaultCluster(Starter starter, String... arguments) {
    this.starter = starter;
    this.arguments = List.of(arguments);
  }

  /**
   * Starts the node at an address, or starts it again.
   *
   * @param join the addresses of those that may be there
   */
  void start(String address, List<String> join, String... more) throws IOException {
    int colon = address.lastIndexOf(':');
    List<String> line = new ArrayList<>(List.of("node"));
    line.addAll(arguments);
    line.add("--bind=" + address.substring(0, colon));
    line.add("--port=" + address.substring(colon + 1));
    line.add("--join=" + String.join(",", join));
    line.addAll(List.of(more));
    SluiceProcess process = starter.start(address, line);
    processes.put(address, process);
    all.add(process);
  }

  /** Joins as a gateway that is reached at {@code host}. */
  void connect(String host, List<String> join) {
    connect(host, join, ConfigFactory.empty());
  }

  /** As {@link #connect(String, List)}, with more settings. */
  void connect(String host, List<String> join, Config more) {
    Map<String, Object> settings =
        Map.of(
            "sluice.node.host",
            host,
            "sluice.node.port",
            0,
            "sluice.node.roles",
            "gateway",
            "sluice.security.insecure",
            true,
            "sluice.cluster.join",
            join);
    ClusterNode node =
        ClusterNode.start(
            ClusterSettings.of(ConfigFactory.parseMap(settings).withFallback(more)),
            null,
            gatewaySaid::add);
    gateway = node;
    ClusterNode.get(node.joined(), LIMIT, "joining");
  }

  ClusterNode gateway() {
    if (gateway == null) {
      throw new IllegalStateException("connect first");
    }
    return gateway;
  }

  /** What happened to the gateway's membership. */
  List<String> gatewaySaid() {
    return List.copyOf(gatewaySaid);
  }

  SluiceProcess process(String address) {
    SluiceProcess process = processes.get(address);
    if (process == null) {
      throw new IllegalStateException("no node was started at " + address);
    }
    return process;
  }

  CoordinatorActor.Status status() {
    return ClusterNode.get(gateway().status(), Duration.ofSeconds(20), "status");
  }

  /** The address of the node that coordinates. */
  String coordinator() {
    return ClusterNode.get(gateway().coordinatorAddress(), LIMIT, "who coordinates");
  }

  /** Waits for a status; while nobody coordinates or answers there is none. */
  CoordinatorActor.Status await(String what, Predicate<CoordinatorActor.Status> wanted) {
    CoordinatorActor.Status[] last = new CoordinatorActor.Status[1];
    try {
      Awaitility.await(what)
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(200))
          .ignoreExceptions()
          .until(
              () -> {
                last[0] = status();
                return wanted.test(last[0]);
              });
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(what + ": " + last[0] + "\n" + errors(), e);
    }
    return last[0];
  }

  /** Waits until so many nodes are members and heard of, and a pipeline serves. */
  CoordinatorActor.Status awaitServing(int nodes) {
    return await(
        nodes + " nodes, and serving",
        s -> s.nodes().size() == nodes && s.unreachable().isEmpty() && serves(s));
  }

  static boolean serves(CoordinatorActor.Status status) {
    return status.state().status() == PipelineState.Status.SERVING;
  }

  /**
   * Streams before, during and after a fault say what they say without.
   *
   * @param nodes that serve before
   * @return how things were before
   */
  CoordinatorActor.Status survive(int nodes, List<List<Integer>> expected, Fault fault)
      throws Exception {
    CoordinatorActor.Status before = awaitServing(nodes);
    FaultStreams streams = FaultStreams.start(gateway().generator(), gateway().system());
    try {
      streams.awaitMore(30);
      fault.happen(before, streams);
      assertThat(streams.answers()).isEqualTo(expected);
      return before;
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("what the nodes said:\n" + errors(), e);
    }
  }

  /** Where a stage runs. */
  static String at(CoordinatorActor.Status status, int stage) {
    return stages(status).get(stage).node().name();
  }

  static List<StagePlace> stages(CoordinatorActor.Status status) {
    var plan = status.plan();
    return plan == null ? List.of() : plan.stages();
  }

  /** The nodes without layers. */
  static List<String> spares(CoordinatorActor.Status status) {
    return status.nodes().stream()
        .map(NodeReport::node)
        .filter(n -> stages(status).stream().noneMatch(s -> s.node().equals(n)))
        .map(NodeId::name)
        .toList();
  }

  /** What all nodes have said, for a failure's message. */
  String errors() {
    StringBuilder text = new StringBuilder();
    for (SluiceProcess process : all) {
      text.append("process ").append(process.pid()).append(":\n").append(process.errors());
    }
    return text.toString();
  }

  @Override
  public void close() {
    if (gateway != null) {
      gateway.close();
    }
    all.forEach(SluiceProcess::close);
  }
}
