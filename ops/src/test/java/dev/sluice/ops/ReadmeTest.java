package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import akka.stream.javadsl.Source;
import dev.sluice.actors.Pipeline;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextGeneration;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the README shows runs as written. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void writeModelAndLauncher() throws IOException {
    StartupArchive.write(folder.resolve("FILE.gguf"));
    String command =
        SluiceProcess.command().stream()
            .map(word -> "'" + word + "'")
            .collect(Collectors.joining(" ", "#!/bin/sh\nexec ", " \"$@\"\n"));
    Path launcher = Files.writeString(folder.resolve("sluice"), command);
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** Each command by itself, but for those that make a model: they need each other. */
  static Stream<String> commands() throws IOException {
    Map<Boolean, List<String>> kinds =
        Files.readAllLines(README).stream()
            .filter(line -> line.startsWith("./sluice ") || line.startsWith("echo "))
            .filter(line -> !line.contains("VERB") && !line.startsWith("./sluice serve "))
            .collect(Collectors.partitioningBy(ReadmeTest::makesModel));
    List<String> making = kinds.getOrDefault(true, List.of());
    List<String> others = kinds.getOrDefault(false, List.of());
    return Stream.concat(others.stream(), Stream.of(String.join(" && ", making)));
  }

  private static boolean makesModel(String line) {
    return line.startsWith("./sluice train ") || line.startsWith("./sluice eval ");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void shouldRunEveryCommandAsWritten(String line) throws Exception {
    try (SluiceProcess shell = SluiceProcess.startCommand(folder, List.of("sh", "-c", line))) {
      SluiceProcess.Result result = shell.awaitWithoutInput();
      assertThat(result.exitCode()).as("%s%n%s", line, result.err()).isZero();
      if (!line.contains(" chat ")) {
        assertThat(result.out()).as(line).isNotBlank();
      }
    }
  }

  @Test
  void shouldServeAsShown() throws Exception {
    List<String> lines = Files.readAllLines(README);
    String serve = only(lines, "./sluice serve ");
    int port = freePort();
    try (SluiceProcess server =
        SluiceProcess.startCommand(
            folder, List.of("sh", "-c", "exec " + serve.replace("8080", "" + port)))) {
      for (String line : lines.stream().filter(line -> line.startsWith("curl ")).toList()) {
        try (SluiceProcess shell =
            SluiceProcess.startCommand(
                folder, List.of("sh", "-c", line.replace("8080", "" + port)))) {
          SluiceProcess.Result result = shell.awaitWithoutInput();
          assumeThat(result.exitCode()).as("curl is installed").isNotEqualTo(127);
          assertThat(result.exitCode()).as("%s%n%s", line, server.errors()).isZero();
          assertThat(result.out()).as(line).isNotBlank().doesNotContain("\"error\":{");
        }
      }
      assertThat(server.alive()).isTrue();
      server.signal("TERM");
      assertThat(server.await().exitCode()).isZero();
    }
  }

  private static String only(List<String> lines, String beginning) {
    return lines.stream().filter(line -> line.startsWith(beginning)).findFirst().orElseThrow();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void shouldStreamTextFromJavaAsShown() {
    StringBuilder text = new StringBuilder();
    try (GgufFile file = GgufFile.open(folder.resolve("FILE.gguf"));
        Pipeline pipeline = Pipeline.start(file, PipelineOptions.builder().stages(2).build())) {
      Source.single(TextRequest.builder("Once upon a time").maxTokens(20).ignoreEos(true).build())
          .via(TextGeneration.flow(Tokenizer.of(file.metadata()), pipeline.generator()))
          .collectType(TextEvent.Piece.class)
          .runForeach(piece -> text.append(piece.text()), pipeline.system())
          .toCompletableFuture()
          .join();
    }
    assertThat(text).isNotEmpty();
  }
}
