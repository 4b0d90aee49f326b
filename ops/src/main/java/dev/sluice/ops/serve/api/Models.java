package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.ServedModel;
import java.io.IOException;

/** {@code GET /v1/models} and {@code GET /v1/models/ID}. */
final class Models {
  private final Generations generations;

  Models(Generations generations) {
    this.generations = generations;
  }

  HttpResponse list(Call call) {
    ServedModel model = generations.model();
    return Replies.json(
        json -> {
          json.writeStringField("object", "list");
          json.writeArrayFieldStart("data");
          json.writeStartObject();
          write(json, model);
          json.writeEndObject();
          json.writeEndArray();
        });
  }

  HttpResponse one(Call call) {
    ServedModel model = generations.model();
    if (!call.rest().equals(model.id())) {
      throw ApiException.unknownModel(
          "there is no such model here; '%s' is served".formatted(model.id()));
    }
    return Replies.json(json -> write(json, model));
  }

  private static void write(JsonGenerator json, ServedModel model) throws IOException {
    json.writeStringField("id", model.id());
    json.writeStringField("object", "model");
    json.writeNumberField("created", model.created());
    json.writeStringField("owned_by", "sluice");
    json.writeNumberField("max_model_len", model.contextTokens());
  }
}
