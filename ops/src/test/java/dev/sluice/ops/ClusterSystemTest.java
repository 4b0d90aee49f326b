package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three processes on the loopback device, one layer on each: what they say, and what they survive.
 */
@Timeout(400)
class ClusterSystemTest {
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final int TOKENS = 300;

  @TempDir private Path folder = Path.of("");
  private Path model = Path.of("");
  private final List<SluiceProcess> nodes = new ArrayList<>();
  private String join = "";

  @BeforeEach
  void form() throws IOException {
    model = folder.resolve("model.gguf");
    StartupArchive.write(model);
    join = "127.0.0.1:" + freePort();
    nodes.add(node(join.substring(join.indexOf(':') + 1), "--min-nodes=3"));
    nodes.add(node("0", "--join=" + join));
    nodes.add(node("0", "--join=" + join));
    await().atMost(LIMIT).until(() -> nodes.stream().allMatch(n -> stage(n) >= 0));
  }

  @AfterEach
  void end() {
    nodes.forEach(SluiceProcess::close);
  }

  private SluiceProcess node(String port, String more) throws IOException {
    return SluiceProcess.start(
        folder, "node", "-m", model.toString(), "--stages=3", "--port=" + port, more);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** The stage that a node has said it has; -1 before. */
  private static int stage(SluiceProcess node) {
    String said = node.errors();
    int at = said.lastIndexOf(": stage ");
    return at < 0 ? -1 : said.charAt(at + ": stage ".length()) - '0';
  }

  private SluiceProcess stream(String seed, String temperature, String... where)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of("run", "-m", model.toString(), "--json", "--ignore-eos", "-n", "" + TOKENS));
    arguments.addAll(List.of("-s", seed, "--temp", temperature));
    arguments.addAll(List.of(where));
    arguments.add("ab ba");
    return SluiceProcess.start(folder, arguments.toArray(String[]::new));
  }

  private static List<Integer> ids(SluiceProcess.Result result) throws IOException {
    assertThat(result.exitCode()).as(result.err()).isZero();
    List<Integer> ids = new ArrayList<>();
    for (String line : result.lines()) {
      JsonNode event = Fixtures.json(line);
      if (event.has("id")) {
        ids.add(event.get("id").intValue());
      }
    }
    return ids;
  }

  @Test
  void shouldEndEveryStreamWithTheSameTokensWhenAStageIsKilled() throws Exception {
    List<List<Integer>> expected = new ArrayList<>();
    List<SluiceProcess> streams = new ArrayList<>();
    try {
      for (int i = 0; i < 4; i++) {
        try (SluiceProcess alone = stream("" + i, i % 2 == 0 ? "0" : "0.9")) {
          expected.add(ids(alone.await()));
        }
      }
      for (int i = 0; i < 4; i++) {
        streams.add(stream("" + i, i % 2 == 0 ? "0" : "0.9", "--join=" + join));
      }
      await()
          .atMost(LIMIT)
          .until(() -> streams.stream().allMatch(s -> lines(s) > 20 || !s.alive()));
      SluiceProcess killed =
          nodes.stream().filter(node -> stage(node) == 1).findFirst().orElseThrow();
      killed.signal("KILL");
      nodes.remove(killed);
      for (int i = 0; i < 4; i++) {
        assertThat(ids(streams.get(i).await())).hasSize(TOKENS).isEqualTo(expected.get(i));
      }
    } finally {
      streams.forEach(SluiceProcess::close);
    }
    await().atMost(LIMIT).until(this::servedByTheTwoThatAreLeft);
  }

  /** The pipeline may be formed anew for a moment while the machine is busy. */
  private boolean servedByTheTwoThatAreLeft() throws Exception {
    SluiceProcess.Result status =
        SluiceProcess.run(folder, "status", "--join=" + address(nodes.get(0)), "--json");
    if (status.exitCode() != 0) {
      return false;
    }
    JsonNode json = Fixtures.json(status.out());
    return json.get("epoch").intValue() > 1
        && json.get("status").textValue().equals("serving")
        && json.get("nodes").size() == 2;
  }

  private static String address(SluiceProcess node) {
    String said = node.errors();
    int at = said.indexOf("node at ") + "node at ".length();
    return said.substring(at, said.indexOf(' ', at));
  }

  private static int lines(SluiceProcess process) {
    try {
      return (int) process.output().lines().count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
