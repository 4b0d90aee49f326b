package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.FinishReason;
import java.io.IOException;
import java.time.Instant;

/**
 * What all objects of one answer begin with.
 *
 * @param id of the answer
 * @param created seconds since 1970
 */
record ChatHead(String id, long created, ServedModel model) {
  static ChatHead of(String prefix, Call call, ServedModel model) {
    return new ChatHead(prefix + call.id(), Instant.now().getEpochSecond(), model);
  }

  void write(JsonGenerator json, String object) throws IOException {
    json.writeStringField("id", id);
    json.writeStringField("object", object);
    json.writeNumberField("created", created);
    json.writeStringField("model", model.id());
    json.writeStringField("system_fingerprint", model.fingerprint());
  }

  /** OpenAI's word for it. */
  static String word(FinishReason reason) {
    return switch (reason) {
      case STOP, CANCELLED -> "stop";
      case LENGTH -> "length";
    };
  }
}
