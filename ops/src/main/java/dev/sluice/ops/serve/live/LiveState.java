package dev.sluice.ops.serve.live;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.model.Admission;
import dev.sluice.ops.serve.model.PipelineView;
import dev.sluice.ops.serve.model.ServedModel;
import java.io.IOException;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The event {@code state}, as JSON. */
final class LiveState {
  private LiveState() {}

  static void write(
      JsonGenerator json,
      @Nullable ServedModel model,
      PipelineView view,
      Pulse pulse,
      Admission admission,
      long millis)
      throws IOException {
    json.writeNumberField("time", millis);
    json.writeStringField("model", model == null ? null : model.id());
    json.writeStringField("state", word(view.state()));
    json.writeStringField("reason", view.reason());
    json.writeNumberField("epoch", view.epoch());
    json.writeStringField("why", view.why());
    json.writeObjectFieldStart("requests");
    json.writeNumberField("running", admission.running());
    json.writeNumberField("waiting", admission.waiting());
    json.writeNumberField("slots", model == null ? 0 : model.maxSequences());
    json.writeEndObject();
    json.writeObjectFieldStart("sequences");
    json.writeNumberField("running", view.running());
    json.writeNumberField("waiting", view.waiting());
    json.writeEndObject();
    writeSeconds(json, "first_token_seconds", pulse.firstTokenNanos());
    writeSeconds(json, "between_tokens_seconds", pulse.betweenTokensNanos());
    json.writeFieldName("tokens_each_second");
    long[] history = pulse.history();
    json.writeArray(history, 0, history.length);
    writePipeline(json, view);
    writeMoments(json, pulse);
  }

  private static void writePipeline(JsonGenerator json, PipelineView view) throws IOException {
    json.writeArrayFieldStart("nodes");
    for (PipelineView.Node node : view.nodes()) {
      json.writeStartObject();
      json.writeStringField("name", node.name());
      json.writeNumberField("cores", node.cores());
      json.writeNumberField("memory_bytes", node.memoryBytes());
      json.writeArrayFieldStart("roles");
      for (String role : node.roles()) {
        json.writeString(role);
      }
      json.writeEndArray();
      json.writeStringField("state", node.state());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("stages");
    for (PipelineView.Stage stage : view.stages()) {
      json.writeStartObject();
      json.writeStringField("node", stage.node());
      json.writeNumberField("first_layer", stage.firstLayer());
      json.writeNumberField("end_layer", stage.endLayer());
      json.writeStringField("state", stage.state());
      json.writeNumberField("busy_share", stage.busyShare());
      json.writeNumberField("micro_batches", stage.microBatches());
      json.writeNumberField("kv_used_bytes", stage.kvUsedBytes());
      json.writeNumberField("kv_bytes", stage.kvBytes());
      json.writeNumberField("fetched_bytes", stage.fetchedBytes());
      json.writeNumberField("fetch_bytes", stage.fetchBytes());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("links");
    for (PipelineView.Link link : view.links()) {
      json.writeStartObject();
      json.writeNumberField("from", link.from());
      json.writeNumberField("to", link.to());
      json.writeStringField("kind", word(link.kind()));
      writeSeconds(json, "seconds", link.nanos());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void writeMoments(JsonGenerator json, Pulse pulse) throws IOException {
    json.writeArrayFieldStart("moments");
    for (Pulse.Moment moment : pulse.moments()) {
      json.writeStartObject();
      json.writeNumberField("time", moment.time());
      switch (moment) {
        case Pulse.Recovery recovery -> {
          json.writeStringField("kind", "recovery");
          json.writeNumberField("streams", recovery.streams());
          json.writeNumberField("pause_seconds", recovery.pause().toNanos() / 1e9);
        }
        case Pulse.Rebuilt rebuilt -> {
          json.writeStringField("kind", "rebuilt");
          json.writeNumberField("epoch", rebuilt.epoch());
          json.writeStringField("why", rebuilt.why());
        }
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void writeSeconds(JsonGenerator json, String name, OptionalLong nanos)
      throws IOException {
    if (nanos.isPresent()) {
      json.writeNumberField(name, nanos.getAsLong() / 1e9);
    } else {
      json.writeNullField(name);
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
