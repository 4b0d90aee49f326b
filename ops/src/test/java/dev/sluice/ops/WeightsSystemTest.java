package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.StoredEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes on the loopback device, of which some have the model's file, 26 MB, and others not. */
@Timeout(600)
class WeightsSystemTest {
  /** Nobody is to be taken for lost because a machine is busy. */
  private static final String PATIENCE = "8s";

  /** In a name space of its own, where only the process sees what is mounted. */
  private static final List<String> UNSHARED =
      List.of("unshare", "--mount", "--map-root-user", "sh", "-c");

  @TempDir private static Path shared = Path.of("");
  private static Path model = Path.of("");
  private static List<List<Integer>> expected = List.of();

  @TempDir private Path folder = Path.of("");
  private Path config = Path.of("");
  private List<String> addresses = List.of();
  private FaultCluster cluster = new FaultCluster(folder);

  @BeforeAll
  static void writeModel() {
    model = shared.resolve("model.gguf");
    StartupArchive.write(model, 256, 1024, 6);
    expected = FaultStreams.alone(model);
  }

  private void prepare(int nodes) throws IOException {
    config = config("plain", "");
    addresses = FaultCluster.freeAddresses(nodes);
  }

  @AfterEach
  void end() {
    cluster.close();
  }

  private Path config(String name, String more) throws IOException {
    return Files.writeString(folder.resolve(name + ".conf"), more);
  }

  /** Begins a cluster whose first pipeline waits for so many nodes. */
  private void cluster(FaultCluster.Starter starter, int minNodes) {
    cluster =
        new FaultCluster(
            starter,
            "--stages=3",
            "--min-nodes=" + minNodes,
            "--cores=1",
            "--memory=1g",
            "--streams=4");
  }

  private SluiceProcess startHere(String address, List<String> line) throws IOException {
    List<String> command = SluiceProcess.patientCommand(PATIENCE);
    command.addAll(line);
    return SluiceProcess.startCommand(folder, command);
  }

  private void startWithFile(int node) throws IOException {
    cluster.start(addresses.get(node), addresses, "--config=" + config, "--model=" + model);
  }

  private void startWithout(int node, Path settings) throws IOException {
    cluster.start(
        addresses.get(node),
        addresses,
        "--config=" + settings,
        "--store=" + store("store-" + node));
  }

  private Path store(String name) {
    return folder.resolve(name);
  }

  private void connect() {
    cluster.connect(
        "127.0.0.1", addresses, ConfigFactory.parseString("sluice.cluster.patience = " + PATIENCE));
  }

  private void shouldSayWhatOneProcessSays() {
    var gateway = cluster.gateway();
    assertThat(FaultStreams.undisturbed(gateway.generator(), gateway.system()))
        .as(cluster.errors())
        .isEqualTo(expected);
  }

  private SluiceProcess.Result verb(String... line) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(line));
    arguments.add("--config=" + config);
    return SluiceProcess.run(folder, arguments.toArray(String[]::new));
  }

  private StoredEntry onlyEntry(String store) {
    List<StoredEntry> entries = ModelStore.open(store(store)).list();
    assertThat(entries).hasSize(1);
    return entries.getFirst();
  }

  private void shouldPull() throws Exception {
    SluiceProcess.Result pulled =
        verb("pull", addresses.getFirst() + "/startup", "--store=" + store("pulled"));
    assertThat(pulled.exitCode()).as(pulled.err()).isZero();
    assertThat(pulled.out()).startsWith("startup: ");
    StoredEntry whole = onlyEntry("pulled");
    assertThat(whole.id()).isEqualTo(onlyEntry("store-2").id());
    assertThat(whole.bytesPresent()).isEqualTo(whole.bytes());
  }

  private void shouldRefuseAnotherModel() throws Exception {
    Path other = folder.resolve("other.gguf");
    StartupArchive.write(other);
    SluiceProcess.Result refused =
        verb("run", "--model=" + other, "--join=" + addresses.getFirst(), "ab");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err())
        .contains("the cluster runs startup (" + onlyEntry("store-2").id().brief() + ")")
        .contains("other.gguf is startup (");
  }

  @Test
  void shouldGoOnFromAnotherNodeWhenASourceIsKilledInTheMiddle() throws Exception {
    Path slow = config("slow", "sluice.weights.max-bytes-per-second = 1m\n");
    prepare(4);
    cluster(this::startHere, 3);
    startWithFile(0);
    startWithFile(1);
    startWithout(2, slow);
    startWithout(3, slow);
    connect();
    CoordinatorActor.Status seen =
        cluster.await(
            "a fetch in its middle",
            s -> fetch(s).map(f -> f.sources() > 1).orElse(FaultCluster.serves(s)));
    assumeThat(fetch(seen)).as("this machine is too slow to see the middle").isPresent();
    cluster.process(addresses.get(1)).signal("KILL");
    cluster.awaitServing(3);
    shouldSayWhatOneProcessSays();
    for (int node = 2; node <= 3; node++) {
      assertThat(cluster.process(addresses.get(node)).errors())
          .containsPattern("layers [0-9.]+ of model [0-9a-f]+: here");
      StoredEntry part = onlyEntry("store-" + node);
      assertThat(part.bytesPresent()).isPositive().isLessThan(part.bytes());
    }
    shouldPull();
    shouldRefuseAnotherModel();
    shouldHaveAllBeforeTheLastNodeWithTheFileGoes();
  }

  private void shouldHaveAllBeforeTheLastNodeWithTheFileGoes() throws Exception {
    String last = addresses.getFirst();
    cluster.survive(
        3,
        expected,
        (_, streams) -> {
          ClusterNode.get(cluster.gateway().drain(last), FaultCluster.LIMIT, "drain");
          assertThat(cluster.process(last).await().exitCode()).isZero();
          streams.awaitMore(20);
        });
    for (int node = 2; node <= 3; node++) {
      String said = cluster.process(addresses.get(node)).errors();
      assertThat(said.lastIndexOf("fetching layers "))
          .as("it fetches while streams go on: %s", said)
          .isLessThan(said.lastIndexOf(": stage "));
    }
  }

  /** Any fetch that has begun and is not at its end. */
  private static Optional<FetchProgress> fetch(CoordinatorActor.Status status) {
    return status.nodes().stream()
        .flatMap(node -> node.stages().stream())
        .map(StageReport::fetch)
        .filter(fetch -> fetch != null && fetch.done() > 0 && fetch.done() < fetch.total())
        .findFirst();
  }

  @Test
  void shouldGoOnWithoutANodeWhoseDiskIsFull() throws Exception {
    prepare(2);
    Path store = Files.createDirectory(store("store-1"));
    String mount = "mount -t tmpfs -o size=6m none '" + store + "' && exec \"$@\"";
    assumeThat(permitted(mount)).as("mounting a small file system is permitted").isTrue();
    cluster(
        (address, line) -> {
          List<String> command = new ArrayList<>();
          if (address.equals(addresses.get(1))) {
            command.addAll(UNSHARED);
            command.addAll(List.of(mount, "sh"));
          }
          command.addAll(SluiceProcess.patientCommand(PATIENCE));
          command.addAll(line);
          return SluiceProcess.startCommand(folder, command);
        },
        2);
    startWithFile(0);
    startWithout(1, config);
    connect();
    CoordinatorActor.Status status =
        cluster.await(
            "serving without a node that has no room",
            s -> FaultCluster.serves(s) && said(1, "no room for"));
    assertThat(FaultCluster.stages(status)).hasSize(1);
    shouldSayWhatOneProcessSays();
  }

  private boolean said(int node, String text) {
    return cluster.process(addresses.get(node)).errors().contains(text);
  }

  private static boolean permitted(String mount) throws InterruptedException {
    List<String> command = new ArrayList<>(UNSHARED);
    command.addAll(List.of(mount, "sh", "true"));
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
