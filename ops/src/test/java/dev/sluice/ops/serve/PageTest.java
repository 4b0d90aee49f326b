package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.TestServer;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page and what feeds it, over plain HTTP. */
@Timeout(120)
class PageTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Pattern REFERENCE = Pattern.compile("['\"](?:\\./|/assets/)([\\w.]+)['\"]");
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(2);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource({
    "/, text/html",
    "/assets/page.css, text/css",
    "/assets/main.js, application/javascript",
    "/assets/marked.js, application/javascript",
    "/assets/purify.js, application/javascript",
    "/assets/icon.svg, image/svg+xml"
  })
  void shouldGiveTheFilesOfThePage(String path, String type) throws Exception {
    Asked asked = Asked.get(server.url() + path);
    assertThat(asked.status()).isEqualTo(200);
    assertThat(asked.header("Content-Type")).startsWith(type);
    assertThat(asked.header("Content-Security-Policy"))
        .startsWith("default-src 'none'; script-src 'self';")
        .doesNotContain("unsafe");
    assertThat(asked.text()).hasSizeGreaterThan(100);
    Asked again = Asked.get(server.url() + path, "If-None-Match", asked.header("ETag"));
    assertThat(again.status()).isEqualTo(304);
    assertThat(again.text()).isEmpty();
  }

  @Test
  void shouldHaveEveryFileThatAnotherNames() throws Exception {
    Path folder = Path.of("src/main/resources/dev/sluice/ops/serve/page");
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        List<String> named =
            REFERENCE
                .matcher(Files.readString(file))
                .results()
                .map((MatchResult found) -> found.group(1))
                .toList();
        for (String name : named) {
          assertThat(Asked.get(server.url() + "/assets/" + name).status())
              .as("%s of %s", name, file)
              .isEqualTo(200);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/assets/none.js",
    "/assets/../../Server.class",
    "/assets/%2e%2e/page.css",
    "/assets/index.html/",
    "//"
  })
  void shouldGiveNothingElse(String path) throws Exception {
    assertThat(Asked.get(server.url() + path).status()).isEqualTo(404);
  }

  private static HttpResponse<InputStream> live(HttpClient client) throws Exception {
    return client.send(
        Asked.request(server.url() + "/live").build(), HttpResponse.BodyHandlers.ofInputStream());
  }

  private static JsonNode state(BufferedReader lines) throws Exception {
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith("data: ")) {
        return new ObjectMapper().readTree(line.substring(6));
      }
    }
    throw new AssertionError("the stream ended");
  }

  @Test
  void shouldTellHowThePipelineDoes() throws Exception {
    String body = "{\"prompt\": \"ab\", \"seed\": 3, \"max_tokens\": 30, \"ignore_eos\": true}";
    assertThat(Asked.post(server.url() + "/v1/completions", body).status()).isEqualTo(200);
    try (HttpClient client = HttpClient.newHttpClient();
        var lines =
            new BufferedReader(
                new InputStreamReader(live(client).body(), StandardCharsets.UTF_8))) {
      JsonNode state = state(lines);
      assertThat(state.get("state").asText()).isEqualTo("serving");
      assertThat(state.get("model").asText()).isEqualTo(TestServer.MODEL);
      assertThat(state.get("nodes")).hasSize(1);
      assertThat(state.at("/stages/0/first_layer").asInt()).isZero();
      assertThat(state.at("/stages/0/micro_batches").asLong()).isGreaterThanOrEqualTo(30);
      assertThat(state.at("/stages/0/kv_bytes").asLong()).isPositive();
      assertThat(state.at("/first_token_seconds").asDouble()).isPositive();
      assertThat(state.at("/between_tokens_seconds").asDouble()).isPositive();
      assertThat(state.at("/requests/slots").asInt()).isEqualTo(2);
      assertThat(state.get("moments")).isEmpty();
      JsonNode next = state(lines);
      assertThat(next.get("time").asLong()).isGreaterThanOrEqualTo(state.get("time").asLong());
      client.shutdownNow();
    }
  }

  @Test
  void shouldHaveRoomForManyViewersAndNoMore() throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    try (client) {
      int watching = 0;
      HttpResponse<InputStream> answer = live(client);
      while (answer.statusCode() == 200) {
        watching++;
        answer = live(client);
      }
      assertThat(answer.statusCode()).isEqualTo(429);
      assertThat(watching).isBetween(60, 64);
      client.shutdownNow();
    }
    try (HttpClient other = HttpClient.newHttpClient()) {
      await().atMost(LONG).until(() -> live(other).statusCode() == 200);
      other.shutdownNow();
    }
  }

  @Test
  void shouldEndWithTheServer() throws Exception {
    try (TestServer ending = TestServer.start(1);
        HttpClient client = HttpClient.newHttpClient()) {
      InputStream events =
          client
              .send(
                  Asked.request(ending.url() + "/live").build(),
                  HttpResponse.BodyHandlers.ofInputStream())
              .body();
      assertThat(ending.server().drain(LONG)).isZero();
      assertThat(new String(events.readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("event: state\ndata: {");
    }
  }
}
