package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.TestServer;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The server over plain HTTP. */
@Timeout(120)
class ServerTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(4);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Asked completions(String body) throws Exception {
    return Asked.post(server.url() + "/v1/completions", body);
  }

  private static String text(String prompt, long seed, int tokens) {
    return server
        .alone(
            TextRequest.builder(prompt)
                .sampling(
                    SamplingParameters.builder()
                        .temperature(1)
                        .topP(1)
                        .topK(0)
                        .minP(0)
                        .repetitionWindow(-1)
                        .seed(seed)
                        .build())
                .maxTokens(tokens)
                .ignoreEos(true)
                .build())
        .stream()
        .map(event -> event instanceof TextEvent.Piece piece ? piece.text() : "")
        .collect(Collectors.joining());
  }

  @Test
  void shouldAnswerAsThePipelineDoesAlone() throws Exception {
    Asked asked =
        completions(
            """
            {"prompt": ["ab ba", "ba"], "n": 2, "seed": 5, "max_tokens": 9, "ignore_eos": true}\
            """);
    assertThat(asked.status()).as(asked.text()).isEqualTo(200);
    JsonNode choices = asked.json().get("choices");
    assertThat(choices).hasSize(4);
    assertThat(choices.findValuesAsText("text"))
        .containsExactly(
            text("ab ba", 5, 9), text("ab ba", 6, 9), text("ba", 5, 9), text("ba", 6, 9));
    assertThat(choices.findValuesAsText("index")).containsExactly("0", "1", "2", "3");
    assertThat(asked.json().at("/usage/completion_tokens").asInt()).isEqualTo(36);
    int prompts =
        server.tokenizer().encode("ab ba", true, false).length
            + server.tokenizer().encode("ba", true, false).length;
    assertThat(asked.json().at("/usage/prompt_tokens").asInt()).isEqualTo(prompts);
  }

  @Test
  void shouldStreamWhatItAnswersWhole() throws Exception {
    String body =
        """
        {"prompt": "ab", "seed": 3, "max_tokens": 20, "ignore_eos": true, "logprobs": 2,
         "echo": true, "stream": %s}\
        """;
    JsonNode whole = completions(body.formatted("false")).json().at("/choices/0");
    List<String> events = completions(body.formatted("true")).events();
    assertThat(events.getLast()).isEqualTo("[DONE]");
    StringBuilder text = new StringBuilder();
    List<String> tokens = new ArrayList<>();
    List<String> probabilities = new ArrayList<>();
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode choice = new ObjectMapper().readTree(event).at("/choices/0");
      text.append(choice.get("text").textValue());
      choice.at("/logprobs/tokens").forEach(t -> tokens.add(t.asText()));
      choice.at("/logprobs/token_logprobs").forEach(t -> probabilities.add(t.asText()));
    }
    assertThat(text.toString()).startsWith("ab").isEqualTo(whole.get("text").textValue());
    List<String> wholeProbabilities = new ArrayList<>();
    whole.at("/logprobs/token_logprobs").forEach(t -> wholeProbabilities.add(t.asText()));
    assertThat(probabilities).isEqualTo(wholeProbabilities).startsWith("null");
    assertThat(tokens).hasSize(probabilities.size());
    assertThat(whole.at("/logprobs/top_logprobs/1")).hasSize(2);
  }

  @Test
  void shouldScoreAPromptWithoutGoingOn() throws Exception {
    Asked asked =
        completions("{\"prompt\": \"ab ba\", \"max_tokens\": 0, \"echo\": true, \"logprobs\": 1}");
    assertThat(asked.status()).as(asked.text()).isEqualTo(200);
    JsonNode probabilities = asked.json().at("/choices/0/logprobs/token_logprobs");
    assertThat(probabilities).hasSize(server.tokenizer().encode("ab ba", true, false).length);
    assertThat(probabilities.get(0).isNull()).isTrue();
    assertThat(probabilities.get(1).doubleValue()).isNegative();
  }

  @Test
  void shouldGiveTheLikeliestOfMany() throws Exception {
    String body =
        """
        {"prompt": "ab", "seed": 3, "max_tokens": 6, "ignore_eos": true, "logprobs": 0, %s}\
        """;
    JsonNode all = completions(body.formatted("\"n\": 4")).json().get("choices");
    JsonNode best = completions(body.formatted("\"n\": 1, \"best_of\": 4")).json().get("choices");
    double highest = Double.NEGATIVE_INFINITY;
    for (JsonNode choice : all) {
      highest = Math.max(highest, sum(choice));
    }
    assertThat(best).hasSize(1);
    assertThat(sum(best.get(0))).isEqualTo(highest);
  }

  private static double sum(JsonNode choice) {
    double sum = 0;
    for (JsonNode p : choice.at("/logprobs/token_logprobs")) {
      sum += p.doubleValue();
    }
    return sum;
  }

  @Test
  void shouldTellOfTokensAndTemplates() throws Exception {
    JsonNode tokens =
        Asked.post(server.url() + "/tokenize", "{\"content\": \"ab ba\"}").json().get("tokens");
    Asked back = Asked.post(server.url() + "/detokenize", "{\"tokens\": " + tokens + "}");
    assertThat(back.json().get("content").textValue()).isEqualTo("ab ba");
    Asked rendered =
        Asked.post(
            server.url() + "/apply-template",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}]}");
    assertThat(rendered.json().get("prompt").textValue()).isEqualTo("User: ab\n\nAssistant:");
    assertThat(Asked.get(server.url() + "/props").json().get("n_ctx").intValue())
        .isEqualTo(TestServer.CONTEXT);
    assertThat(Asked.get(server.url() + "/slots").json().get("stages")).hasSize(1);
    assertThat(Asked.get(server.url() + "/health").json().get("status").textValue())
        .isEqualTo("ok");
  }

  @Test
  void shouldCountForPrometheus() throws Exception {
    completions("{\"prompt\": \"ab\", \"max_tokens\": 3, \"ignore_eos\": true}");
    assertThat(Asked.get(server.url() + "/metrics").text())
        .contains(
            "sluice_time_to_first_token_seconds_bucket",
            "sluice_inter_token_latency_seconds_bucket",
            "sluice_num_requests_running ",
            "sluice_num_requests_waiting ",
            "sluice_kv_cache_usage_ratio ",
            "sluice_prompt_tokens_total ",
            "sluice_generation_tokens_total ",
            "sluice_request_success_total{finished_reason=\"length\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{| 400 | invalid_json",
        "[] | 400 | invalid_json",
        "{\"prompt\": 3} | 400 | invalid_type",
        "{\"prompt\": \"a\", \"prompt\": \"b\"} | 400 | invalid_json",
        "{} | 400 | missing_required_parameter",
        "{\"prompt\": [9999]} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"temperature\": 1e400} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"max_tokens\": 1.5} | 400 | invalid_type",
        "{\"prompt\": \"a\", \"max_tokens\": 99999} | 400 | context_length_exceeded",
        "{\"prompt\": \"a\", \"n\": 5} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"suffix\": \"b\"} | 400 | unsupported_parameter",
        "{\"prompt\": \"a\", \"stop\": [\"\"]} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"logit_bias\": {\"x\": 1}} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"model\": \"b\"} | 404 | model_not_found",
        "{\"prompt\": \"a\", \"stream_options\": {}} | 400 | invalid_value",
        "{\"prompt\": \"a\", \"foo\": 1} | 400 | unknown_parameter",
      })
  void shouldRefuseWhatItCannotDo(String body, int status, String code) throws Exception {
    Asked asked = completions(body);
    assertThat(asked.status()).as(asked.text()).isEqualTo(status);
    assertThat(asked.errorCode()).as(asked.text()).isEqualTo(code);
    assertThat(asked.json().at("/error/message").asText()).isNotBlank();
  }

  @Test
  void shouldAnswerErrorsOfPathsAndMethods() throws Exception {
    assertThat(Asked.get(server.url() + "/v2/nothing").status()).isEqualTo(404);
    Asked wrong = Asked.get(server.url() + "/v1/completions");
    assertThat(wrong.status()).isEqualTo(405);
    assertThat(wrong.header("Allow")).isEqualTo("POST");
    assertThat(wrong.header("X-Request-Id")).isNotBlank();
    assertThat(Asked.post(server.url() + "/v1/embeddings", "{}").errorCode())
        .isEqualTo("unsupported_endpoint");
    String large = "{\"prompt\": \"" + "a".repeat(9 << 20) + "\"}";
    assertThat(completions(large).status()).isEqualTo(413);
    assertThat(Asked.get(server.url() + "/health", "Origin", "https://example.org").status())
        .isEqualTo(403);
  }

  @Test
  void shouldEndAnAnswerInTime() throws Exception {
    Asked late =
        completions(
            "{\"prompt\": \"ab\", \"max_tokens\": 1000, \"ignore_eos\": true, \"timeout\": 0.001}");
    assertThat(late.status()).isEqualTo(504);
    assertThat(late.errorCode()).isEqualTo("deadline_exceeded");
    assertThat(late.header("X-Should-Retry")).isEqualTo("false");
  }

  /** A client that does not read holds its own sequence, and nobody else's. */
  @Test
  void shouldHoldBackWhoDoesNotRead() throws Exception {
    String body =
        """
        {"prompt": "ab", "max_tokens": 1000, "ignore_eos": true, "stream": true, "logprobs": 20,
         "user": "slow"}\
        """;
    try (Socket slow = new Socket()) {
      slow.setReceiveBufferSize(4096);
      slow.connect(server.server().address());
      send(slow, body);
      await().atMost(LONG).until(() -> server.scheduling().running() >= 1);
      // What the other one asks is done meanwhile, and the slow one still waits.
      for (int i = 0; i < 3; i++) {
        assertThat(
                completions("{\"prompt\": \"ba\", \"max_tokens\": 300, \"ignore_eos\": true}")
                    .status())
            .isEqualTo(200);
      }
      long tokens = server.scheduling().generatedTokens();
      assertThat(server.scheduling().running()).isEqualTo(1);
      assertThat(
              completions("{\"prompt\": \"b\", \"max_tokens\": 50, \"ignore_eos\": true}").status())
          .isEqualTo(200);
      assertThat(server.scheduling().generatedTokens()).isLessThanOrEqualTo(tokens + 50 + 20);
    }
    await().atMost(LONG).until(() -> server.scheduling().running() == 0);
  }

  private static Socket ask(String body) throws Exception {
    Socket socket = new Socket(server.server().address().getAddress(), server.port());
    send(socket, body);
    return socket;
  }

  private static void send(Socket socket, String body) throws Exception {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    OutputStream out = socket.getOutputStream();
    out.write(
        ("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: "
                + bytes.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(bytes);
    out.flush();
  }

  /** A connection is lost in the middle; what comes behind it is the rest, and each event once. */
  @Test
  void shouldGoOnWithAStreamWhoseConnectionWasLost() throws Exception {
    String body =
        "{\"prompt\": \"ab\", \"max_tokens\": 900, \"ignore_eos\": true, \"seed\": 9, \"logprobs\":"
            + " 20, \"stream\": true, \"resumable\": %s}";
    List<String> whole = completions(body.formatted("false")).events();
    List<String> seen = new ArrayList<>();
    String last = "";
    try (Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(server.server().address());
      send(socket, body.formatted("true"));
      var lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      while (seen.size() < 10) {
        String line = lines.readLine();
        if (line.startsWith("id: ")) {
          last = line.substring(4);
        } else if (line.startsWith("data: ")) {
          seen.add(line.substring(6));
        }
      }
    }
    String id = last.substring(0, last.indexOf('/'));
    Asked rest = Asked.get(server.url() + "/v1/stream/" + id, "Last-Event-ID", last);
    assertThat(rest.status()).as(rest.text()).isEqualTo(200);
    seen.addAll(rest.events());
    assertThat(texts(seen)).isEqualTo(texts(whole));
    Asked again = Asked.get(server.url() + "/v1/stream/" + id + "?from=10");
    assertThat(again.events()).isEqualTo(rest.events());

    Asked ended = Asked.send(Asked.request(server.url() + "/v1/stream/" + id).DELETE().build());
    assertThat(ended.status()).isEqualTo(204);
    assertThat(Asked.get(server.url() + "/v1/stream/" + id).errorCode())
        .isEqualTo("unknown_stream");
  }

  private static List<String> texts(List<String> events) throws Exception {
    List<String> texts = new ArrayList<>();
    for (String event : events) {
      texts.add(
          event.equals("[DONE]")
              ? event
              : new ObjectMapper().readTree(event).at("/choices/0/text").asText());
    }
    return texts;
  }

  @Test
  void shouldLiveOnWhereAConnectionIsHalfClosed() throws Exception {
    try (Socket socket = ask("{\"prompt\": \"ab\", \"max_tokens\": 5, \"ignore_eos\": true}")) {
      socket.shutdownOutput();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(answer).matches(a -> a.isEmpty() || a.startsWith("HTTP/1.1 "));
    }
    assertThat(Asked.get(server.url() + "/health").status()).isEqualTo(200);
  }

  @Test
  void shouldDescribeEveryRoute() throws Exception {
    JsonNode paths = Asked.get(server.url() + "/openapi.json").json().get("paths");
    List<String> told = new ArrayList<>();
    paths.fieldNames().forEachRemaining(told::add);
    assertThat(told).hasSize(18);
    // Its events have no end; PageTest reads some.
    told.remove("/live");
    for (String path : told) {
      String at = path.replace("{id}", TestServer.MODEL);
      Asked asked =
          paths.get(path).has("get")
              ? Asked.get(server.url() + at)
              : Asked.post(server.url() + at, "{}");
      assertThat(asked.status()).as(path).isIn(200, path.contains("stream") ? 404 : 400);
    }
  }
}
