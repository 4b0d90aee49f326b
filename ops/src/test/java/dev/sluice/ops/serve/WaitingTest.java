package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import dev.sluice.ops.TestServer;
import dev.sluice.ops.serve.http.KeyFile;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that wait: a model that never answers shows what becomes of them. */
@Timeout(120)
class WaitingTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final String BODY =
      "{\"prompt\": \"ab\", \"max_tokens\": 100, \"stream\": %s, \"timeout\": 600}";

  @TempDir private Path folder = Path.of("");
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();

  /** Says a first token where that is wanted, and then nothing more. */
  private Source<TokenEvent, NotUsed> generate(TokenRequest request, boolean firstToken) {
    Source<TokenEvent, NotUsed> first =
        firstToken
            ? Source.single(new TokenEvent.Token(300, request.promptLength(), 1f, 2f, List.of()))
            : Source.empty();
    return first
        .concat(Source.maybe())
        .watchTermination(
            (_, end) -> {
              begun.incrementAndGet();
              end.whenComplete((_, _) -> ended.incrementAndGet());
              return NotUsed.getInstance();
            });
  }

  private static Duration secondsOf(Asked asked) {
    return Duration.ofSeconds(Long.parseLong(asked.header("Retry-After")));
  }

  private static CompletableFuture<HttpResponse<String>> later(
      HttpClient client, TestServer server, String body, String... headers) {
    HttpRequest request =
        Asked.request(server.url() + "/v1/completions", headers)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void shouldSayThatTheModelIsBeingLoaded() throws Exception {
    try (TestServer server = TestServer.start(1, settings -> settings)) {
      for (String path : List.of("/health", "/ready", "/v1/models", "/props")) {
        Asked asked = Asked.get(server.url() + path);
        assertThat(asked.status()).as(path).isEqualTo(503);
        assertThat(asked.errorCode()).isEqualTo("loading");
        assertThat(secondsOf(asked)).isPositive();
      }
      assertThat(Asked.post(server.url() + "/v1/completions", BODY.formatted("true")).status())
          .isEqualTo(503);
      server.load();
      assertThat(Asked.get(server.url() + "/ready").status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldEndWhatAClientThatIsGoneHasAsked(boolean stream) throws Exception {
    try (TestServer server = TestServer.start(1, settings -> settings)) {
      server.load(request -> generate(request, stream));
      HttpClient client = HttpClient.newHttpClient();
      var _ = later(client, server, BODY.formatted(stream));
      await().atMost(LONG).until(() -> begun.get() == 1);
      var _ = later(client, server, BODY.formatted(stream));
      await().atMost(LONG).until(() -> slots(server, "requests_waiting") == 1);
      client.shutdownNow();
      // The one that waits may get the other's place before its own client is seen to be gone.
      await().atMost(LONG).until(() -> slots(server, "requests_waiting") == 0);
      await().atMost(LONG).until(() -> slots(server, "requests_running") == 0);
      await().atMost(LONG).until(() -> ended.get() == begun.get());
    }
  }

  private static int slots(TestServer server, String name) throws Exception {
    return Asked.get(server.url() + "/slots").json().get(name).intValue();
  }

  @Test
  void shouldRefuseWhenTheQueueIsFull() throws Exception {
    try (TestServer server = TestServer.start(1, settings -> settings.withQueue(1));
        HttpClient client = HttpClient.newHttpClient()) {
      server.load(request -> generate(request, false));
      var _ = later(client, server, BODY.formatted(false));
      await().atMost(LONG).until(() -> slots(server, "requests_running") == 1);
      var _ = later(client, server, BODY.formatted(false));
      await().atMost(LONG).until(() -> slots(server, "requests_waiting") == 1);
      Asked refused = Asked.post(server.url() + "/v1/completions", BODY.formatted(false));
      assertThat(refused.status()).isEqualTo(429);
      assertThat(refused.errorCode()).isEqualTo("queue_full");
      assertThat(secondsOf(refused)).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(60));
      client.shutdownNow();
    }
  }

  @Test
  void shouldTakeNothingNewWhenItEnds() throws Exception {
    try (TestServer server = TestServer.start(1, settings -> settings);
        HttpClient client = HttpClient.newHttpClient()) {
      server.load(request -> generate(request, false));
      var _ = later(client, server, BODY.formatted(false));
      await().atMost(LONG).until(() -> slots(server, "requests_running") == 1);
      assertThat(server.server().drain(Duration.ofMillis(1))).isEqualTo(1);
      client.shutdownNow();
      assertThat(server.server().drain(LONG)).isZero();
    }
  }

  @Test
  void shouldAskForKeysAndKeepTheirLimits() throws Exception {
    String one = KeyFile.newKey();
    String two = KeyFile.newKey();
    Path file = folder.resolve("keys.conf");
    Files.writeString(
        file,
        KeyFile.line("one", one)
            + "\nkeys.one.concurrency = 1\n"
            + KeyFile.line("two", two)
            + "\nkeys.two { scopes = [watch] }\n");
    AtomicLong clock = new AtomicLong();
    KeyFile keys = KeyFile.open(file, clock::get);
    List<String> log = Collections.synchronizedList(new ArrayList<>());
    try (TestServer server =
            TestServer.start(2, settings -> settings.withKeys(keys).withAccessLog(log::add));
        HttpClient client = HttpClient.newHttpClient()) {
      server.load(request -> generate(request, false));
      String url = server.url() + "/v1/completions";
      assertThat(Asked.post(url, BODY).errorCode()).isEqualTo("missing_api_key");
      assertThat(Asked.post(url, BODY, "Authorization", "Bearer wrong").errorCode())
          .isEqualTo("invalid_api_key");
      assertThat(Asked.post(url, BODY, "Authorization", "Bearer " + two).status()).isEqualTo(403);
      assertThat(Asked.get(server.url() + "/slots", "Authorization", "Bearer " + one).status())
          .isEqualTo(403);
      assertThat(Asked.get(server.url() + "/health").status()).isEqualTo(200);

      var _ = later(client, server, BODY.formatted(false), "Authorization", "Bearer " + one);
      await().atMost(LONG).until(() -> begun.get() == 1);
      assertThat(
              Asked.post(url, BODY.formatted(false), "Authorization", "Bearer " + one).errorCode())
          .isEqualTo("concurrency_limit");

      Files.writeString(file, KeyFile.line("two", two));
      clock.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(Asked.post(url, BODY, "Authorization", "Bearer " + one).status()).isEqualTo(401);
      Files.writeString(file, "keys { two { sha256 = 1 } }");
      clock.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(Asked.post(url, "{}", "Authorization", "Bearer " + two).status()).isEqualTo(400);
      client.shutdownNow();
      await().atMost(LONG).until(() -> ended.get() == 1);
      assertThat(log).anyMatch(line -> line.contains("\"key\":\"two\",\"method\":\"POST\""));
      assertThat(log).noneMatch(line -> line.contains("\"ab\""));
    }
  }

  /** Who asks is told of a loss that was overcome; for others the answer is the same without. */
  @ParameterizedTest
  @ValueSource(strings = {"completions", "chat/completions"})
  void shouldTellOfALossWhoAsks(String path) throws Exception {
    try (TestServer server = TestServer.start(1, settings -> settings)) {
      server.load(WaitingTest::overcome);
      String body =
          "{\"prompt\": \"ab\", \"messages\": [{\"role\": \"user\", \"content\": \"ab\"}],"
              + " \"max_tokens\": 2, \"stream\": true, \"recovery_events\": %s}";
      body =
          path.equals("completions")
              ? body.replaceAll("\"messages.*?}],", "")
              : body.replace("\"prompt\": \"ab\",", "");
      String url = server.url() + "/v1/" + path;
      Asked silent = Asked.post(url, body.formatted(false));
      Asked told = Asked.post(url, body.formatted(true));
      String event =
          "event: sluice.recovery\ndata: {\"index\":0,\"token\":1,\"pause_ms\":1500}\n\n";
      assertThat(told.text()).as(told.text()).containsOnlyOnce(event);
      assertThat(told.events()).hasSize(silent.events().size() + 1);
      assertThat(silent.text()).doesNotContain("recovery");
    }
  }

  private static Source<TokenEvent, NotUsed> overcome(TokenRequest request) {
    int length = request.promptLength();
    List<TokenEvent> events = new ArrayList<>();
    events.add(new TokenEvent.Token(300, length, 1f, 2f, List.of()));
    if (request.tellRecoveries()) {
      events.add(new TokenEvent.Recovered(1, Duration.ofMillis(1500)));
    }
    events.add(new TokenEvent.Token(301, length + 1, 1f, 2f, List.of()));
    events.add(new TokenEvent.Finished(FinishReason.LENGTH, new Usage(length, 2, 0), Timings.NONE));
    return Source.from(events);
  }
}
