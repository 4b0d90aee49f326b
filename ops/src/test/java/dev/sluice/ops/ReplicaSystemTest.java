package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.CoordinatorActor;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that keep copies of each other's keys and values, with four streams in flight. */
@Timeout(600)
class ReplicaSystemTest {
  private static final int NODES = 4;

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldGiveASpareTheKeysAndValuesOfAKilledStage() throws Exception {
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    List<List<Integer>> expected = FaultStreams.alone(model);
    List<String> addresses = FaultCluster.freeAddresses(NODES);
    try (FaultCluster cluster =
        new FaultCluster(
            folder,
            "-m",
            model.toString(),
            "--stages=3",
            "--min-nodes=" + NODES,
            "--cores=1",
            "--memory=1g",
            "--activation-log=off",
            "--kv-replica")) {
      for (String address : addresses) {
        cluster.start(address, addresses);
      }
      cluster.connect("127.0.0.1", addresses);
      CoordinatorActor.Status before = cluster.awaitServing(NODES);
      FaultStreams streams =
          FaultStreams.start(cluster.gateway().generator(), cluster.gateway().system());
      streams.awaitMore(30);
      cluster.process(FaultCluster.at(before, 1)).signal("KILL");
      streams.awaitMore(30);
      assertThat(streams.answers()).as(cluster.errors()).isEqualTo(expected);
      assertThat(cluster.errors())
          .containsPattern("stage 1 has keys and values of [0-9,]+ positions back");
    }
  }
}
