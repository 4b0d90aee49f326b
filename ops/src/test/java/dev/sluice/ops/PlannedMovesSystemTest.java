package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.CoordinatorActor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Moves of layers that somebody wants, each with four streams in flight, and what the verbs say of
 * them. One set of three processes for all; each test begins and ends with all of them serving.
 */
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlannedMovesSystemTest {
  private static final int NODES = 3;

  /** However busy the machine is: no node may be thought lost here, since layers would move. */
  private static final String PATIENCE = "1m";

  @TempDir private static Path folder = Path.of("");
  private final List<String> addresses = new ArrayList<>();
  private FaultCluster cluster = new FaultCluster(folder);
  private List<List<Integer>> expected = List.of();

  @BeforeAll
  void form() throws IOException {
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    expected = FaultStreams.alone(model);
    addresses.addAll(FaultCluster.freeAddresses(NODES));
    cluster =
        new FaultCluster(
            (_, line) -> start(line),
            "-m",
            model.toString(),
            "--stages=3",
            "--min-nodes=" + NODES,
            "--cores=1",
            "--memory=1g");
    for (String address : addresses) {
      cluster.start(address, addresses);
    }
    cluster.connect(
        "127.0.0.1", addresses, ConfigFactory.parseString("sluice.cluster.patience = " + PATIENCE));
    cluster.awaitServing(NODES);
  }

  @AfterAll
  void end() {
    cluster.close();
  }

  private static SluiceProcess start(List<String> line) throws IOException {
    List<String> command = SluiceProcess.patientCommand(PATIENCE);
    command.addAll(line);
    return SluiceProcess.startCommand(folder, command);
  }

  private void survive(FaultCluster.Fault fault) throws Exception {
    cluster.survive(NODES, expected, fault);
    cluster.awaitServing(NODES);
  }

  /** What a verb about the cluster prints. */
  private String ask(String verb, String... more) throws Exception {
    SluiceProcess.Result result = SluiceProcess.run(folder, line(verb, more));
    assertThat(result.exitCode()).as(result.err()).isZero();
    return result.out();
  }

  private String[] line(String verb, String... more) {
    return Stream.concat(Stream.of(verb, "--join=" + String.join(",", addresses)), Stream.of(more))
        .toArray(String[]::new);
  }

  private void awaitStages(int count) {
    cluster.await(
        count + " stages", s -> FaultCluster.stages(s).size() == count && FaultCluster.serves(s));
  }

  @Test
  void shouldMoveLayersOffANodeThatIsInterruptedAndBackWhenAsked() throws Exception {
    String node = addresses.getLast();
    survive(
        (_, streams) -> {
          cluster.process(node).signal("INT");
          assertThat(cluster.process(node).await().exitCode()).isEqualTo(130);
          awaitStages(2);
          streams.awaitMore(20);
          cluster.start(node, addresses);
          CoordinatorActor.Status joined = cluster.awaitServing(NODES);
          assertThat(FaultCluster.stages(joined)).as("joining alone moves nothing").hasSize(2);

          JsonNode plan = Fixtures.json(ask("plan", "--json"));
          assertThat(plan.get("moves").booleanValue()).as("%s", plan).isTrue();
          assertThat(plan.get("running").get("stages")).hasSize(2);
          assertThat(plan.get("best").get("stages")).hasSize(3);

          assertThat(ask("rebalance")).contains("the layers move");
          awaitStages(3);
          streams.awaitMore(20);
        });
  }

  @Test
  void shouldLetGoOfANodeThatIsDrained() throws Exception {
    survive(
        (before, streams) -> {
          String node = FaultCluster.at(before, 0);
          assertThat(ask("drain", node)).contains("leaves");
          assertThat(cluster.process(node).await().exitCode()).isZero();
          streams.awaitMore(20);
          cluster.start(node, addresses);
        });
  }

  @Test
  void shouldRestartAllNodesOneAfterTheOther() throws Exception {
    survive(
        (_, streams) -> {
          for (String node : addresses) {
            cluster.process(node).signal("TERM");
            assertThat(cluster.process(node).await().exitCode()).isZero();
            cluster.start(node, addresses);
            cluster.awaitServing(NODES);
            streams.awaitMore(20);
          }
        });
  }

  @Test
  void shouldShowItsStateUntilItIsInterrupted() throws Exception {
    cluster.awaitServing(NODES);
    try (SluiceProcess watch = SluiceProcess.start(folder, line("status", "--watch"))) {
      Awaitility.await()
          .atMost(FaultCluster.LIMIT)
          .until(() -> watch.output().split("has the head").length > 3);
      watch.signal("INT");
      SluiceProcess.Result result = watch.await();
      assertThat(result.exitCode()).isEqualTo(130);
      assertThat(result.err().lines().filter(line -> line.startsWith("sluice:")))
          .as("a busy machine may be slow to answer; that it ends is no news")
          .allMatch(line -> line.endsWith("asking again"));
      assertThat(result.out()).contains("epoch ", "serving", "coordinator,gateway,shard");
    }
    JsonNode status = Fixtures.json(ask("status", "--json"));
    assertThat(status.get("status").textValue()).isEqualTo("serving");
    assertThat(status.get("nodes")).hasSize(NODES);
    assertThat(status.findValues("kv_bytes")).allMatch(bytes -> bytes.longValue() > 0);
  }
}
