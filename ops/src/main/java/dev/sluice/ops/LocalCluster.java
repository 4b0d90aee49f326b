package dev.sluice.ops;

import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.cluster.MemberView;
import dev.sluice.actors.coordination.PipelineState;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A cluster for a benchmark: nodes in processes of their own on the loopback device, and this
 * process as its gateway. For one thread; the processes end with it, also where this process is
 * told to end.
 */
final class LocalCluster implements AutoCloseable {
  /** Longest time for whatever is waited for. */
  static final Duration LIMIT = Duration.ofMinutes(3);

  private static final String HOST = "127.0.0.1";
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration LEAVING = Duration.ofSeconds(10);

  private final Path folder;
  private final List<String> arguments;
  private final List<String> addresses;
  private final Map<String, Process> processes = new TreeMap<>();
  private final Thread onExit = new Thread(this::killAll, "sluice-nodes-exit");
  private @Nullable ClusterNode gateway;

  private LocalCluster(Path folder, List<String> arguments, List<String> addresses) {
    this.folder = folder;
    this.arguments = List.copyOf(arguments);
    this.addresses = List.copyOf(addresses);
  }

  /**
   * Starts nodes, and returns when all of them are there and a pipeline serves.
   *
   * @param folder where the nodes' output goes
   * @param arguments of {@code sluice node}, besides addresses
   */
  static LocalCluster start(Path folder, int nodes, List<String> arguments)
      throws InterruptedException {
    LocalCluster cluster = new LocalCluster(folder, arguments, freeAddresses(nodes));
    Runtime.getRuntime().addShutdownHook(cluster.onExit);
    try {
      cluster.addresses.forEach(cluster::start);
      cluster.connect();
      var _ = cluster.awaitServing();
      return cluster;
    } catch (RuntimeException | Error | InterruptedException e) {
      cluster.close();
      throw e;
    }
  }

  private static List<String> freeAddresses(int count) {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      List<String> addresses =
          sockets.stream().map(s -> HOST + ":" + s.getLocalPort()).sorted().toList();
      for (ServerSocket socket : sockets) {
        socket.close();
      }
      return addresses;
    } catch (IOException e) {
      throw new CommandException("no free ports at " + HOST + ": " + e.getMessage(), e);
    }
  }

  /** Starts the node at an address, for the first time or again. */
  void start(String address) {
    List<String> line = new ArrayList<>(thisProgram());
    line.add("node");
    line.addAll(arguments);
    line.add("--bind=" + HOST);
    line.add("--port=" + address.substring(address.lastIndexOf(':') + 1));
    line.add("--join=" + String.join(",", addresses));
    line.add("--min-nodes=" + addresses.size());
    File output = output(address).toFile();
    ProcessBuilder builder =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output);
    // Where layers go is not to depend on what the machine does meanwhile.
    builder.environment().put("SLUICE_NODE_MEASURE", "false");
    try {
      synchronized (processes) {
        processes.put(address, builder.start());
      }
    } catch (IOException e) {
      throw new CommandException("a node cannot be started: " + e.getMessage(), e);
    }
  }

  private Path output(String address) {
    return folder.resolve("node-" + address.substring(address.lastIndexOf(':') + 1) + ".log");
  }

  /** What this process was started by, without its arguments. */
  private static List<String> thisProgram() {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    String classes = System.getProperty("java.class.path");
    if (classes.endsWith(".jar") && !classes.contains(File.pathSeparator)) {
      line.addAll(List.of("-jar", classes));
    } else {
      line.addAll(List.of("-cp", classes, Sluice.class.getName()));
    }
    return line;
  }

  private void connect() {
    Map<String, Object> flags = new HashMap<>();
    flags.put("sluice.node.host", HOST);
    flags.put("sluice.node.port", 0);
    flags.put("sluice.node.roles", "gateway");
    flags.put("sluice.cluster.join", addresses);
    ClusterNode node = ClusterNode.start(new ClusterAccess().settings(flags), null, _ -> {});
    gateway = node;
    ClusterNode.get(node.joined(), LIMIT, "joining the nodes");
  }

  /** This process as a member. */
  ClusterNode gateway() {
    if (gateway == null) {
      throw new IllegalStateException("not connected");
    }
    return gateway;
  }

  /** Waits until all nodes are there and a pipeline serves. */
  CoordinatorActor.Status awaitServing() throws InterruptedException {
    return awaitServing(addresses.size(), 0);
  }

  /**
   * Waits until a pipeline serves.
   *
   * @param nodes that are there, at least
   * @param epoch that it is of, at least
   */
  CoordinatorActor.Status awaitServing(int nodes, int epoch) throws InterruptedException {
    long began = System.nanoTime();
    String last = "";
    while (System.nanoTime() - began < LIMIT.toNanos()) {
      checkAlive();
      try {
        CoordinatorActor.Status status = ClusterNode.get(gateway().status(), LIMIT, "status");
        if (status.nodes().size() >= nodes
            && status.state().status() == PipelineState.Status.SERVING
            && status.state().epoch() >= epoch) {
          return status;
        }
        last = status.state().status() + " " + status.state().reason();
      } catch (IllegalStateException e) {
        // Nobody coordinates for the moment.
        last = Failures.message(e);
      }
      Thread.sleep(POLL);
    }
    throw new CommandException(
        nodes + " nodes do not serve within " + LIMIT.toSeconds() + " s: " + last);
  }

  private void checkAlive() {
    for (Map.Entry<String, Process> node : processes.entrySet()) {
      if (!node.getValue().isAlive()) {
        throw new CommandException(
            "the node at " + node.getKey() + " has ended by itself: " + lastLine(node.getKey()));
      }
    }
  }

  private String lastLine(String address) {
    try {
      List<String> lines = Files.readAllLines(output(address));
      return lines.isEmpty() ? "it said nothing" : lines.getLast();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Kills a node's process, so that it can tell nobody.
   *
   * @return when, as {@link System#nanoTime} has it
   */
  long kill(String address) {
    Process process;
    synchronized (processes) {
      process = processes.remove(address);
    }
    if (process == null) {
      throw new IllegalStateException("no node is at " + address);
    }
    long now = System.nanoTime();
    process.destroyForcibly();
    return now;
  }

  /**
   * Waits until this member hears that another one is lost.
   *
   * @return when, as {@link System#nanoTime} has it
   */
  long awaitLost(String address) throws InterruptedException {
    long began = System.nanoTime();
    while (gateway().members().stream().anyMatch(m -> answers(m, address))) {
      if (System.nanoTime() - began > LIMIT.toNanos()) {
        throw new CommandException("nobody noticed that the node at " + address + " was killed");
      }
      Thread.sleep(1);
    }
    return System.nanoTime();
  }

  private static boolean answers(MemberView member, String address) {
    return member.address().equals(address) && member.reachable();
  }

  private void killAll() {
    synchronized (processes) {
      processes.values().forEach(Process::destroyForcibly);
    }
  }

  @Override
  public void close() {
    if (gateway != null) {
      gateway.close();
    }
    processes.values().forEach(Process::destroy);
    long began = System.nanoTime();
    try {
      for (Process process : processes.values()) {
        long left = LEAVING.toNanos() - (System.nanoTime() - began);
        var _ = process.waitFor(Math.max(0, left), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    killAll();
    try {
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IllegalStateException e) {
      // This process ends, and the hook runs.
    }
  }
}
