package dev.sluice.ops.serve.http;

import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One line of JSON for each request, when its answer has ended. What was asked and answered is not
 * in it, unless that was switched on.
 */
public final class AccessLog {
  private static final int MAX_BODY = 1 << 16;

  private final Consumer<String> lines;
  private final boolean withBodies;

  /**
   * A log.
   *
   * @param lines takes them, on any thread
   * @param withBodies whether requests' bodies are told too
   */
  public AccessLog(Consumer<String> lines, boolean withBodies) {
    this.lines = lines;
    this.withBodies = withBodies;
  }

  /** A log that nobody reads. */
  public static AccessLog none() {
    return new AccessLog(_ -> {}, false);
  }

  Entry begin(String id, String remote, HttpRequest request, long beganNanos) {
    return new Entry(id, remote, request.method().name(), request.getUri().path(), beganNanos);
  }

  /** One request. */
  final class Entry {
    private final String id;
    private final String remote;
    private final String method;
    private final String path;
    private final long beganNanos;
    private volatile @Nullable Call call;

    Entry(String id, String remote, String method, String path, long beganNanos) {
      this.id = id;
      this.remote = remote;
      this.method = method;
      this.path = path;
      this.beganNanos = beganNanos;
    }

    void of(Call known) {
      call = known;
    }

    /** Writes the line, at once or when an answer that goes on has ended. */
    HttpResponse answered(HttpResponse response) {
      Call known = call;
      int status = response.status().intValue();
      if (known != null && response.entity().isChunked()) {
        known.whenEnded().thenAccept(how -> write(status, how));
      } else {
        write(status, "");
      }
      return response;
    }

    private void write(int status, String how) {
      Call known = call;
      lines.accept(
          Json.object(
              json -> {
                json.writeStringField("time", Instant.now().toString());
                json.writeStringField("id", id);
                json.writeStringField("remote", remote);
                json.writeStringField("key", known == null ? "-" : known.caller().name());
                json.writeStringField("method", method);
                json.writeStringField("path", path);
                json.writeNumberField("status", status);
                json.writeNumberField("ms", (System.nanoTime() - beganNanos) / 1_000_000);
                if (!how.isEmpty()) {
                  json.writeStringField("ended", how);
                }
                if (known == null) {
                  return;
                }
                String user = known.user();
                if (user != null) {
                  json.writeStringField("user", user);
                }
                if (known.promptTokens().isPresent()) {
                  json.writeNumberField("prompt_tokens", known.promptTokens().getAsInt());
                }
                if (known.generatedTokens().isPresent()) {
                  json.writeNumberField("completion_tokens", known.generatedTokens().getAsInt());
                }
                if (withBodies && known.body().length > 0) {
                  int length = Math.min(MAX_BODY, known.body().length);
                  json.writeStringField(
                      "body", new String(known.body(), 0, length, StandardCharsets.UTF_8));
                }
              }));
    }
  }
}
