package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.ops.certs.TestCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes with certificates and a secret, and somebody who has others. */
@Timeout(300)
class SecureClusterSystemTest {
  private static final String[] PROMPT = {"--temp", "0", "-n", "16", "Once upon a time"};

  @TempDir Path folder;

  private final List<SluiceProcess> processes = new ArrayList<>();

  @AfterEach
  void stop() {
    processes.forEach(SluiceProcess::close);
  }

  private Path config(TestCertificates certificates, String node) throws IOException {
    Path file = folder.resolve(node + ".conf");
    String section = certificates.settings(node).root().render();
    return Files.writeString(file, "sluice.security " + section);
  }

  /** The first node has the small model that comes along; who joins it fetches that. */
  private SluiceProcess node(Path config, int port, String... more) throws IOException {
    // Processes that share few cores are late at times; who is lost is no matter of this test.
    List<String> arguments = SluiceProcess.patientCommand("20s");
    arguments.addAll(List.of("node", "--config", config.toString()));
    arguments.addAll(List.of("--port", "" + port, "--memory", "1g", "--cores", "1"));
    arguments.addAll(List.of("--min-nodes", "2", "--stages", "2"));
    arguments.addAll(List.of("--store", folder.resolve("store-" + port).toString()));
    arguments.addAll(List.of(more));
    SluiceProcess process = SluiceProcess.startCommand(folder, arguments);
    processes.add(process);
    return process;
  }

  private SluiceProcess.Result run(String... cluster) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("run"));
    arguments.addAll(List.of(cluster));
    arguments.addAll(List.of(PROMPT));
    return SluiceProcess.run(folder, arguments.toArray(String[]::new));
  }

  @Test
  void shouldRunSealedAndTakeNoStranger() throws Exception {
    TestCertificates ours =
        TestCertificates.create(folder.resolve("ours"), "c").node("a").node("b").node("client");
    TestCertificates others = TestCertificates.create(folder.resolve("others"), "c").node("evil");
    int[] ports = freePorts(3);
    String join = "--join=127.0.0.1:" + ports[0];
    SluiceProcess first = node(config(ours, "a"), ports[0]);
    SluiceProcess second = node(config(ours, "b"), ports[1], join);
    SluiceProcess stranger = node(config(others, "evil"), ports[2], join);
    await()
        .atMost(Duration.ofSeconds(100))
        .until(() -> first.errors().contains("epoch") && second.errors().contains("epoch"));
    String here = run().out();
    SluiceProcess.Result there =
        run(
            join,
            "--config=" + config(ours, "client"),
            "--store=" + folder.resolve("store-client"));
    assertThat(there.exitCode()).describedAs(there.err()).isZero();
    assertThat(there.out()).isEqualTo(here).isNotBlank();
    assertThat(first.errors() + second.errors()).contains("stage 0 of 2").contains("stage 1 of 2");
    assertThat(stranger.errors()).doesNotContain("member of the cluster").doesNotContain("epoch");
  }

  private static int[] freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }
}
