package dev.sluice.ops.serve.api;

import akka.util.ByteString;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.stages.flow.TextEvent;
import java.util.ArrayList;
import java.util.List;

/** The events of a response: created, what its one message gains, and how it ended. */
final class ResponseScript implements Streaming.Script {
  private final Call call;
  private final ResponseObject object;
  private boolean begun;
  private int number;

  ResponseScript(Call call, ResponseObject object) {
    this.call = call;
    this.object = object;
  }

  @Override
  public List<ByteString> on(ChoiceEvent event) {
    List<ByteString> events = new ArrayList<>();
    if (!begun) {
      begun = true;
      events.add(whole("response.created"));
      events.add(whole("response.in_progress"));
      events.add(item("response.output_item.added"));
      events.add(part("response.content_part.added", ""));
    }
    object.on(event.event());
    switch (event.event()) {
      case TextEvent.Piece piece -> {
        if (!piece.text().isEmpty()) {
          events.add(text("response.output_text.delta", "delta", piece.text()));
        }
      }
      case TextEvent.Finished _ -> {
        events.add(text("response.output_text.done", "text", object.text()));
        events.add(part("response.content_part.done", object.text()));
        events.add(item("response.output_item.done"));
        events.add(whole("response." + object.status()));
      }
      case TextEvent.Recovered recovered -> events.add(Recoveries.event(0, recovered));
      case TextEvent.Prompt _, TextEvent.Scored _ -> {}
    }
    return events;
  }

  @Override
  public List<ByteString> end() {
    call.ended("finished");
    return List.of();
  }

  @Override
  public List<ByteString> failed(ApiException failure) {
    return List.of(
        event(
            "error",
            json -> {
              json.writeStringField("code", failure.code());
              json.writeStringField("message", failure.text());
              json.writeStringField("param", failure.param());
            }));
  }

  private ByteString whole(String type) {
    return event(
        type,
        json -> {
          json.writeObjectFieldStart("response");
          object.writeWhole(json);
          json.writeEndObject();
        });
  }

  private ByteString item(String type) {
    return event(
        type,
        json -> {
          json.writeNumberField("output_index", 0);
          json.writeFieldName("item");
          object.writeMessage(json);
        });
  }

  private ByteString part(String type, String text) {
    return event(
        type,
        json -> {
          json.writeStringField("item_id", object.messageId());
          json.writeNumberField("output_index", 0);
          json.writeNumberField("content_index", 0);
          json.writeFieldName("part");
          ResponseObject.writePart(json, text);
        });
  }

  private ByteString text(String type, String field, String text) {
    return event(
        type,
        json -> {
          json.writeStringField("item_id", object.messageId());
          json.writeNumberField("output_index", 0);
          json.writeNumberField("content_index", 0);
          json.writeStringField(field, text);
          json.writeArrayFieldStart("logprobs");
          json.writeEndArray();
        });
  }

  private ByteString event(String type, Json.Fields fields) {
    return Sse.named(
        type,
        Json.object(
            json -> {
              json.writeStringField("type", type);
              json.writeNumberField("sequence_number", number++);
              fields.write(json);
            }));
  }
}
