package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.stages.flow.GenerationException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two nodes that have too little memory for the model alone, and the one that coordinates and has
 * the head is killed: what runs waits, what is new is refused, and all goes on by itself when the
 * node is back.
 */
@Timeout(400)
class ShortageSystemTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void shouldRefuseUntilThereIsMemoryAgain() throws Exception {
    Path model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    List<List<Integer>> expected = FaultStreams.alone(model);
    List<String> addresses = FaultCluster.freeAddresses(2);
    try (FaultCluster cluster =
        new FaultCluster(
            folder,
            "-m",
            model.toString(),
            "--min-nodes=2",
            "--cores=1",
            "--streams=4",
            "--activation-log=off",
            "--memory=1500k")) {
      for (String address : addresses) {
        cluster.start(address, addresses);
      }
      cluster.connect("127.0.0.1", addresses);
      cluster.survive(
          2,
          expected,
          (_, streams) -> {
            String lost = addresses.getFirst();
            cluster.process(lost).signal("KILL");
            PipelineState state =
                cluster
                    .await(
                        "no pipeline", s -> s.state().status() == PipelineState.Status.UNAVAILABLE)
                    .state();
            assertThat(state.reason()).contains("lacks").contains("bytes");
            assertRefused(cluster);
            cluster.start(lost, addresses);
          });
    }
  }

  private static void assertRefused(FaultCluster cluster) {
    FaultStreams more =
        FaultStreams.start(cluster.gateway().generator(), cluster.gateway().system());
    Throwable failure = catchThrowable(more::answers);
    assertThat(failure).isInstanceOf(CompletionException.class);
    assertThat(failure.getCause())
        .isInstanceOfSatisfying(
            GenerationException.class,
            refused -> {
              assertThat(refused.kind()).isEqualTo(GenerationException.Kind.UNAVAILABLE);
              assertThat(refused.retryAfter()).isPresent();
            });
  }
}
