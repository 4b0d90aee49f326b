package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.ops.TestServer;
import dev.sluice.ops.load.LoadPlan;
import dev.sluice.ops.load.LoadReport;
import dev.sluice.ops.load.LoadRun;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many clients at a time. */
@Timeout(300)
class LoadTest {
  private static final Duration LONG = Duration.ofSeconds(200);
  private static final int CLIENTS = 200;
  private static final int SLOW = 500;

  /** Tokens of a slow answer; its bytes are far more than the sockets between the two hold. */
  private static final int TOKENS = 400;

  /** None is lost, none gets another's answer, and nothing stays behind. */
  @Test
  void shouldAnswerTwoHundredAtATimeAsEachAlone() throws Exception {
    try (TestServer server = TestServer.startShipped(CLIENTS, 64)) {
      LoadReport report =
          new LoadRun(
                  new LoadPlan(
                      URI.create(server.url()),
                      Optional.empty(),
                      CLIENTS,
                      0,
                      Duration.ofMillis(1), // each asks once, whatever the time
                      20,
                      20,
                      7,
                      LONG,
                      LONG),
                  _ -> {})
              .run();
      assertThat(report.complete()).as("%s", report).isGreaterThanOrEqualTo(CLIENTS);
      assertThat(report.lost() + report.refused() + report.differing()).as("%s", report).isZero();
      await().atMost(LONG).until(() -> server.scheduling().reservedPages() == 0);
    }
  }

  /**
   * Readers that take one byte and then no more hold their own answers, and nothing grows: what is
   * generated for them ends with the small buffers between, and others are answered meanwhile.
   */
  @Test
  void shouldServeOthersWhileHundredsDoNotRead() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try (TestServer server = TestServer.start(SLOW + 4, TOKENS + 16)) {
      try {
        for (int i = 0; i < SLOW; i++) {
          slow.add(ask(server));
        }
        for (Socket one : slow) {
          assertThat(one.getInputStream().read()).isEqualTo('H');
        }
        for (int i = 0; i < 8; i++) {
          Asked asked =
              Asked.post(
                  server.url() + "/v1/completions",
                  "{\"prompt\": \"ba\", \"max_tokens\": 40, \"ignore_eos\": true}");
          assertThat(asked.json().at("/usage/completion_tokens").asInt()).isEqualTo(40);
        }
        assertThat(server.scheduling().running()).isEqualTo(SLOW);
        assertThat(server.scheduling().generatedTokens()).isLessThan(SLOW * TOKENS / 2);
      } finally {
        for (Socket one : slow) {
          one.close();
        }
      }
      await().atMost(LONG).until(() -> server.scheduling().running() == 0);
      await().atMost(LONG).until(() -> server.scheduling().reservedPages() == 0);
    }
  }

  private static Socket ask(TestServer server) throws Exception {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4096);
    socket.connect(server.server().address());
    byte[] body =
        """
        {"prompt": "ab", "max_tokens": %d, "ignore_eos": true, "stream": true, "logprobs": 20}\
        """
            .formatted(TOKENS)
            .getBytes(StandardCharsets.UTF_8);
    OutputStream out = socket.getOutputStream();
    out.write(
        ("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: "
                + body.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(body);
    out.flush();
    return socket;
  }
}
