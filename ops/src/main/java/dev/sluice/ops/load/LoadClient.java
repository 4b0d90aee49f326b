package dev.sluice.ops.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.ops.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Asks for streams of text and reads them. For any thread. */
final class LoadClient {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final List<String> BEGINNINGS =
      List.of(
          "Once upon a time",
          "One day, a little girl named Lily",
          "The old man looked at the sea and",
          "Question: What is 12 + 30?\nAnswer:",
          "In a small village by the river there lived",
          "Tom and his dog went to the park because",
          "It was raining, so the children");

  private final HttpClient http;
  private final LoadPlan plan;

  LoadClient(HttpClient http, LoadPlan plan) {
    this.http = http;
    this.plan = plan;
  }

  /**
   * What became of a request.
   *
   * @param status of HTTP
   * @param text all of the answer
   * @param tokens as the server counted them; 0 where the stream did not come to its end
   * @param firstNanos from when it was due to its first token
   * @param gaps nanoseconds from each token with text to the next
   */
  record Outcome(int status, String text, int tokens, long firstNanos, List<Long> gaps) {
    Outcome {
      gaps = List.copyOf(gaps);
    }

    static Outcome without(int status) {
      return new Outcome(status, "", 0, 0, List.of());
    }

    boolean complete() {
      return status == 200 && tokens > 0;
    }

    long meanGapNanos() {
      return (long) gaps.stream().mapToLong(Long::longValue).average().orElse(0);
    }
  }

  /**
   * Asks and waits for the end of the answer.
   *
   * @param number which of the different requests
   * @param dueNanos when it should have begun
   */
  Outcome ask(int number, long dueNanos) throws InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(plan.server().resolve("/v1/completions"))
            .timeout(PATIENCE)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body(number)));
    plan.key().ifPresent(key -> request.header("Authorization", "Bearer " + key));
    try {
      HttpResponse<InputStream> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        return response.statusCode() == 200
            ? read(lines, dueNanos)
            : Outcome.without(response.statusCode());
      }
    } catch (IOException e) {
      return Outcome.without(0);
    }
  }

  private String body(int number) {
    return Json.object(
        json -> {
          json.writeStringField("prompt", BEGINNINGS.get(number % BEGINNINGS.size()));
          json.writeNumberField("seed", plan.seed() + number);
          json.writeNumberField("max_tokens", plan.maxTokens());
          json.writeBooleanField("ignore_eos", true);
          json.writeBooleanField("stream", true);
          json.writeObjectFieldStart("stream_options");
          json.writeBooleanField("include_usage", true);
          json.writeEndObject();
        });
  }

  private Outcome read(BufferedReader lines, long dueNanos) throws IOException {
    StringBuilder text = new StringBuilder();
    List<Long> gaps = new ArrayList<>();
    int tokens = 0;
    long first = 0;
    long last = 0;
    boolean done = false;
    for (String line = lines.readLine(); line != null && !done; line = lines.readLine()) {
      if (!line.startsWith("data: ")) {
        continue;
      }
      done = line.equals("data: [DONE]");
      JsonNode event = done ? JSON.nullNode() : JSON.readTree(line.substring(6));
      String piece = event.at("/choices/0/text").asText("");
      if (!piece.isEmpty()) {
        long now = System.nanoTime();
        if (last == 0) {
          first = now - dueNanos;
        } else {
          gaps.add(now - last);
        }
        last = now;
        text.append(piece);
      }
      tokens = event.at("/usage/completion_tokens").asInt(tokens);
    }
    return new Outcome(200, text.toString(), done ? tokens : 0, first, gaps);
  }
}
