package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.gguf.GgufFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
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
    List<List<Integer>> expected = alone(model);
    List<String> addresses = freeAddresses();
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
      streams.assertUnfinished();
      assertThat(streams.answers()).as(cluster.errors()).isEqualTo(expected);
      assertThat(cluster.errors())
          .containsPattern("stage 1 has keys and values of [0-9,]+ positions back");
    }
  }

  private static List<List<Integer>> alone(Path model) {
    PipelineOptions options =
        PipelineOptions.builder().contextTokens(1024).maxSequences(FaultStreams.STREAMS).build();
    try (GgufFile file = GgufFile.open(model);
        Pipeline pipeline = Pipeline.start(file, options)) {
      return FaultStreams.undisturbed(pipeline.generator(), pipeline.system());
    }
  }

  private static List<String> freeAddresses() throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < NODES; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return sockets.stream().map(s -> "127.0.0.1:" + s.getLocalPort()).sorted().toList();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }
}
