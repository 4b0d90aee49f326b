package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Most nodes of a cluster are killed at once, with no gateway there, and are started again. */
@Timeout(600)
class LoneHostSystemTest {
  private static final int NODES = 3;

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldFindTheOthersAgain() throws Exception {
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    List<String> addresses = FaultCluster.freeAddresses(NODES);
    try (FaultCluster cluster =
        new FaultCluster(
            folder,
            "-m",
            model.toString(),
            "--stages=3",
            "--min-nodes=" + NODES,
            "--cores=1",
            "--memory=1g")) {
      for (String address : addresses) {
        cluster.start(address, addresses);
      }
      for (String address : addresses) {
        awaitSaid(cluster, address, ": stage ");
      }
      for (String address : addresses.subList(1, NODES)) {
        cluster.process(address).signal("KILL");
      }
      awaitSaid(cluster, addresses.getFirst(), "was removed from the cluster: joining again");
      for (String address : addresses.subList(1, NODES)) {
        cluster.start(address, addresses);
      }
      cluster.connect("127.0.0.1", addresses);
      cluster.awaitServing(NODES);
      var gateway = cluster.gateway();
      assertThat(FaultStreams.undisturbed(gateway.generator(), gateway.system()))
          .isEqualTo(FaultStreams.alone(model));
    }
  }

  private static void awaitSaid(FaultCluster cluster, String address, String text) {
    await(text)
        .atMost(FaultCluster.LIMIT)
        .until(() -> cluster.process(address).errors().contains(text));
  }
}
