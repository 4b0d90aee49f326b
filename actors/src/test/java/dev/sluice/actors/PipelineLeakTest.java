package dev.sluice.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Sink;
import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pipeline that is closed leaves nothing behind: no thread, no file of its links. */
@Timeout(120)
final class PipelineLeakTest {
  @TempDir Path folder;

  @Test
  void shouldLeaveNoThreadAndNoFile() throws Exception {
    Path model = TinyModel.write(folder, 3, GgmlType.Q8_0, 1);
    Set<Path> filesBefore = sharedMemory();
    Set<String> threadsBefore = threads();
    for (LinkKind link : LinkKind.values()) {
      PipelineOptions options = PipelineOptions.builder().stages(3).threads(2).link(link).build();
      try (GgufFile file = GgufFile.open(model);
          Pipeline pipeline = Pipeline.start(file, options)) {
        TokenRequest request =
            new TokenRequest(new int[] {1, 2, 3}, SamplingParameters.GREEDY, 20, new int[0], false);
        pipeline
            .generator()
            .generate(request)
            .runWith(Sink.seq(), pipeline.system())
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS);
        // One that is in flight when the pipeline is closed.
        var _ = pipeline.generator().generate(request).runWith(Sink.ignore(), pipeline.system());
      }
    }
    Eventually.until("all threads have ended", () -> threadsBefore.containsAll(threads()));
    assertThat(sharedMemory()).isSubsetOf(filesBefore);
  }

  /** Names with their ids: a thread that is new is not mistaken for one of the same name. */
  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> !t.getName().startsWith("Cleaner") && !t.getName().startsWith("junit"))
        .map(t -> t.getName() + "#" + t.threadId())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<Path> sharedMemory() throws IOException {
    Path shared = Path.of("/dev/shm");
    if (!Files.isDirectory(shared)) {
      return Set.of();
    }
    long pid = ProcessHandle.current().pid();
    try (Stream<Path> files = Files.list(shared)) {
      return files
          .filter(f -> f.getFileName().toString().contains(Long.toString(pid)))
          .collect(Collectors.toSet());
    }
  }
}
