package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.actors.PipelineStats;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.Metrics;
import dev.sluice.ops.serve.model.ServedModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/** How the server does: {@code GET /health}, {@code /ready}, {@code /props}, {@code /slots}, … */
final class Status {
  private static final Duration RETRY = Duration.ofSeconds(2);

  private final Generations generations;

  Status(Generations generations, Metrics metrics) {
    this.generations = generations;
    metrics.gauge(
        "sluice.num.requests.running",
        "Requests that are computed.",
        generations.admission()::running);
    metrics.gauge(
        "sluice.num.requests.waiting",
        "Requests that wait for their turn.",
        generations.admission()::waiting);
  }

  /** Whether requests would be computed: 200, or 503 with the reason. */
  HttpResponse health(Call call) {
    Optional<String> trouble = generations.model().backend().trouble();
    if (trouble.isPresent()) {
      throw ApiException.unavailable("no_placement", trouble.get(), RETRY);
    }
    return Replies.json(json -> json.writeStringField("status", "ok"));
  }

  /** As {@link #health}; and whether new requests are let in. */
  HttpResponse ready(Call call) {
    if (generations.admission().isClosed()) {
      throw ApiException.unavailable("shutting_down", "the server is shutting down", RETRY);
    }
    return health(call);
  }

  /** What is served, and what requests that say nothing get. */
  HttpResponse props(Call call) {
    ServedModel model = generations.model();
    return Replies.json(
        json -> {
          json.writeStringField("model", model.id());
          json.writeStringField("system_fingerprint", model.fingerprint());
          json.writeNumberField("n_ctx", model.contextTokens());
          json.writeNumberField("n_vocab", model.tokenizer().vocabularySize());
          json.writeNumberField("total_slots", model.maxSequences());
          json.writeStringField(
              "chat_template_source", model.template().source().name().toLowerCase(Locale.ROOT));
          json.writeObjectFieldStart("default_generation_settings");
          json.writeNumberField("temperature", 1);
          json.writeNumberField("top_p", 1);
          json.writeNumberField("top_k", 0);
          json.writeNumberField("min_p", 0);
          json.writeNumberField("repetition_penalty", 1);
          json.writeNumberField("timeout", Terms.DEFAULT_TIMEOUT.toSeconds());
          json.writeEndObject();
        });
  }

  /** How many requests there are, and how the pipeline does. */
  HttpResponse slots(Call call) {
    ServedModel model = generations.model();
    return Replies.json(
        json -> {
          json.writeNumberField("total_slots", model.maxSequences());
          json.writeNumberField("requests_running", generations.admission().running());
          json.writeNumberField("requests_waiting", generations.admission().waiting());
          Optional<PipelineStats> stats = model.backend().stats();
          if (stats.isPresent()) {
            write(json, stats.get());
          }
        });
  }

  private static void write(JsonGenerator json, PipelineStats stats) throws IOException {
    PipelineStats.Scheduling scheduling = stats.scheduling();
    json.writeNumberField("sequences_running", scheduling.running());
    json.writeNumberField("sequences_waiting", scheduling.waiting());
    json.writeNumberField("kv_pages_reserved", scheduling.reservedPages());
    json.writeNumberField("kv_pages", scheduling.capacityPages());
    json.writeNumberField("epoch", stats.epoch());
    json.writeArrayFieldStart("stages");
    for (int i = 0; i < stats.stages().size(); i++) {
      PipelineStats.Stage stage = stats.stages().get(i);
      json.writeStartObject();
      json.writeNumberField("first_layer", stage.range().first());
      json.writeNumberField("end_layer", stage.range().end());
      json.writeNumberField("busy_share", stats.busyShare(i));
      json.writeNumberField("micro_batches", stage.frames());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** What this server understands, as an OpenAPI document. */
  HttpResponse openApi(Call call) {
    return HttpResponse.create()
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, OpenApi.TEXT));
  }

  /** The document; read once. */
  private static final class OpenApi {
    static final String TEXT = read();

    private static String read() {
      try (InputStream in = Status.class.getResourceAsStream("openapi.json")) {
        if (in == null) {
          throw new IllegalStateException("openapi.json is missing in the program's jar");
        }
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
