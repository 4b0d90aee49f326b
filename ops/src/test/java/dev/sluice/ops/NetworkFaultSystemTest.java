package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.CoordinatorActor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/**
 * Faults of the network, each with four streams in flight: three stages on three machines, which
 * are network namespaces, and no spare.
 */
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetworkFaultSystemTest {
  private static final int NODES = 3;

  @TempDir private static Path folder = Path.of("");
  private final List<AutoCloseable> closers = new ArrayList<>();
  private FaultCluster cluster = new FaultCluster(folder);
  private List<List<Integer>> expected = List.of();

  @BeforeAll
  void form() throws Exception {
    NetworkNamespaces network = new NetworkNamespaces(NODES);
    closers.add(network);
    this.network = List.of(network);
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    expected = FaultStreams.alone(model);
    cluster =
        new FaultCluster(
            (address, line) -> start(network, address, line),
            "-m",
            model.toString(),
            "--stages=3",
            "--min-nodes=" + NODES,
            "--cores=1",
            "--memory=1g",
            "--insecure");
    closers.addFirst(cluster);
    List<String> addresses =
        IntStream.range(0, NODES).mapToObj(i -> network.address(i) + ":25520").toList();
    for (String address : addresses) {
      cluster.start(address, addresses);
    }
    cluster.connect(network.host(), addresses);
    cluster.awaitServing(NODES);
  }

  /** One, once it is there. */
  private List<NetworkNamespaces> network = List.of();

  @AfterAll
  void end() throws Exception {
    for (AutoCloseable closer : closers) {
      closer.close();
    }
  }

  private static SluiceProcess start(
      NetworkNamespaces network, String address, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(network.on(network.machine(address)));
    command.addAll(SluiceProcess.command());
    command.addAll(arguments);
    return SluiceProcess.startCommand(folder, command);
  }

  private NetworkNamespaces network() {
    return network.getFirst();
  }

  private CoordinatorActor.Status survive(FaultCluster.Fault fault) throws Exception {
    return cluster.survive(NODES, expected, fault);
  }

  /** Of a stage, or of the last one where there are fewer: who comes back is a spare at first. */
  private int machine(CoordinatorActor.Status status, int stage) {
    int last = FaultCluster.stages(status).size() - 1;
    return network().machine(FaultCluster.at(status, Math.min(stage, last)));
  }

  /** Without its cable until the others have removed it; then it joins again. */
  private void cut(int stage) throws Exception {
    survive(
        (found, streams) -> {
          int machine = machine(found, stage);
          network().cable(machine, false);
          try {
            cluster.awaitServing(NODES - 1);
            streams.awaitMore(30);
          } finally {
            network().cable(machine, true);
          }
        });
    cluster.awaitServing(NODES);
  }

  @Test
  void shouldCutTheLayersAnewWhenAMachineIsCutOffAndTakeItBack() throws Exception {
    cut(1);
  }

  @Test
  void shouldFindAnotherHeadWhenItsMachineIsCutOff() throws Exception {
    cut(0);
  }

  @Test
  void shouldGoOnWithTheStreamsOfAGatewayThatWasRemoved() throws Exception {
    survive(
        (_, streams) -> {
          String gateway = cluster.gateway().address();
          network().hostCable(false);
          try {
            Awaitility.await("the nodes remove " + gateway)
                .atMost(FaultCluster.LIMIT)
                .until(() -> cluster.errors().contains("is downing [akka://sluice@" + gateway));
          } finally {
            network().hostCable(true);
          }
          streams.awaitMore(30);
        });
    assertThat(cluster.gatewaySaid()).contains("was removed from the cluster: joining again");
    cluster.awaitServing(NODES);
  }

  @Test
  void shouldNotMindAShortCut() throws Exception {
    survive(
        (found, streams) -> {
          int machine = machine(found, 2);
          network().cable(machine, false);
          Thread.sleep(400);
          network().cable(machine, true);
          streams.awaitMore(30);
        });
  }

  /** What is done to a machine's link. */
  private interface Link {
    void change(int machine) throws Exception;
  }

  /** With links of that quality from the middle of the streams to their end. */
  private void degrade(Link worse, Link better) throws Exception {
    // Where this machine cannot do that the test is skipped before anything has happened.
    worse.change(0);
    better.change(0);
    try {
      survive(
          (_, _) -> {
            for (int machine = 0; machine < NODES; machine++) {
              worse.change(machine);
            }
          });
    } finally {
      for (int machine = 0; machine < NODES; machine++) {
        better.change(machine);
      }
    }
  }

  private void degrade(String... discipline) throws Exception {
    degrade(machine -> network().discipline(machine, discipline), this::clear);
  }

  private void clear(int machine) throws Exception {
    try {
      network().discipline(machine);
    } catch (TestAbortedException e) {
      // There was none.
    }
  }

  @Test
  void shouldGetAlongWithASlowLink() throws Exception {
    degrade("tbf", "rate", "4mbit", "burst", "16kbit", "latency", "100ms");
  }

  @Test
  void shouldGetAlongWithLostPackets() throws Exception {
    degrade(machine -> network().lose(machine, 5), machine -> network().lose(machine, 0));
  }

  @Test
  void shouldGetAlongWithDelayAndWrongOrder() throws Exception {
    degrade("netem", "delay", "20ms", "10ms", "reorder", "25%", "50%");
  }
}
