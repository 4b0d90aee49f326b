package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice serve} as a process of its own. */
@Timeout(240)
class ServeSystemTest {
  private static final Pattern SERVING = Pattern.compile("serving (\\S+) at (http\\S+)");

  @TempDir private Path folder = Path.of("");
  private String model = "";

  @BeforeEach
  void writeModel() {
    Path file = folder.resolve("model.gguf");
    StartupArchive.write(file);
    model = file.toString();
  }

  private static URI serving(SluiceProcess process) {
    await()
        .atMost(Duration.ofMinutes(2))
        .until(() -> SERVING.matcher(process.errors()).find() || !process.alive());
    Matcher matcher = SERVING.matcher(process.errors());
    assertThat(matcher.find()).as(process.errors()).isTrue();
    assertThat(matcher.group(1)).isEqualTo("startup");
    return URI.create(matcher.group(2));
  }

  /** An answer that has begun when the server is told to end is finished all the same. */
  @Test
  void shouldFinishWhatRunsWhenItIsToldToEnd() throws Exception {
    try (SluiceProcess process =
        SluiceProcess.start(
            folder, "serve", "-m", model, "--port", "0", "--access-log", "--threads", "1")) {
      URI url = serving(process);
      String body =
          "{\"prompt\": \"ab\", \"max_tokens\": 900, \"ignore_eos\": true, \"stream\": true,"
              + " \"logprobs\": 20}";
      try (Socket socket = new Socket()) {
        // So little room that the answer cannot be sent before it is read.
        socket.setReceiveBufferSize(4_096);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), url.getPort()));
        String request =
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n"
                + body;
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        assertThat(lines.readLine()).isEqualTo("HTTP/1.1 200 OK");
        process.signal("TERM");
        await()
            .atMost(Duration.ofMinutes(1))
            .until(() -> process.errors().contains("ending: no new requests"));
        List<String> events = lines.lines().takeWhile(line -> !line.contains("[DONE]")).toList();
        assertThat(events).filteredOn(line -> line.startsWith("data: ")).hasSizeGreaterThan(800);
      }
      assertThat(process.await().exitCode()).isZero();
      assertThat(process.errors())
          .contains("\"path\":\"/v1/completions\",\"status\":200")
          .contains("\"completion_tokens\":900");
    }
  }

  @Test
  void shouldAskForAKeyThatItMade() throws Exception {
    List<String> made = SluiceProcess.run(folder, "key", "alice").lines();
    Path keys = Files.writeString(folder.resolve("keys.conf"), made.get(1));
    try (SluiceProcess process =
        SluiceProcess.start(
            folder, "serve", "-m", model, "--port", "0", "--api-keys", keys.toString())) {
      URI url = serving(process);
      assertThat(models(url, made.getFirst())).isEqualTo(200);
      assertThat(models(url, "sk-other")).isEqualTo(401);
    }
  }

  private static int models(URI url, String key) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(url.resolve("/v1/models"))
            .header("Authorization", "Bearer " + key)
            .build();
    return HttpClient.newHttpClient()
        .send(request, HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  @Test
  void shouldSayWhatIsWrongInALine() throws Exception {
    SluiceProcess.Result result =
        SluiceProcess.run(folder, "serve", "-m", model, "--port", "0", "--api-keys", "nothing");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).endsWith("sluice: nothing: no such file (--api-keys)\n");
  }
}
