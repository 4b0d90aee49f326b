package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TextEvent;
import dev.sluice.stages.flow.Usage;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** OpenAI's response object, as far as it has come. */
final class ResponseObject {
  /** The field {@code text.format} where nothing is said about it. */
  static final String TEXT_FORMAT = "{\"type\":\"text\"}";

  private final Call call;
  private final ServedModel model;
  private final Terms terms;
  private final Optional<String> instructions;
  private final Optional<Integer> maxOutputTokens;
  private final String format;
  private final long created = Instant.now().getEpochSecond();
  private final StringBuilder text = new StringBuilder();
  private TextEvent.@Nullable Finished finished;

  ResponseObject(
      Call call,
      ServedModel model,
      Terms terms,
      Optional<String> instructions,
      Optional<Integer> maxOutputTokens,
      String format) {
    this.call = call;
    this.model = model;
    this.terms = terms;
    this.instructions = instructions;
    this.maxOutputTokens = maxOutputTokens;
    this.format = format;
  }

  void on(TextEvent event) {
    switch (event) {
      case TextEvent.Piece piece -> text.append(piece.text());
      case TextEvent.Finished end -> {
        finished = end;
        call.used(end.usage().promptTokens(), end.usage().generatedTokens());
      }
      case TextEvent.Prompt _, TextEvent.Scored _, TextEvent.Recovered _ -> {}
    }
  }

  String text() {
    return text.toString();
  }

  String messageId() {
    return "msg_" + call.id();
  }

  /** completed, incomplete or in_progress. */
  String status() {
    TextEvent.Finished end = finished;
    if (end == null) {
      return "in_progress";
    }
    return end.reason() == FinishReason.LENGTH ? "incomplete" : "completed";
  }

  /** The fields of the whole object. */
  void writeWhole(JsonGenerator json) throws IOException {
    TextEvent.Finished end = finished;
    json.writeStringField("id", "resp_" + call.id());
    json.writeStringField("object", "response");
    json.writeNumberField("created_at", created);
    json.writeStringField("status", status());
    json.writeNullField("error");
    if (status().equals("incomplete")) {
      json.writeObjectFieldStart("incomplete_details");
      json.writeStringField("reason", "max_output_tokens");
      json.writeEndObject();
    } else {
      json.writeNullField("incomplete_details");
    }
    json.writeStringField("instructions", instructions.orElse(null));
    if (maxOutputTokens.isPresent()) {
      json.writeNumberField("max_output_tokens", maxOutputTokens.get());
    } else {
      json.writeNullField("max_output_tokens");
    }
    json.writeStringField("model", model.id());
    json.writeArrayFieldStart("output");
    if (end != null) {
      writeMessage(json);
    }
    json.writeEndArray();
    writeTerms(json);
    if (end == null) {
      json.writeNullField("usage");
    } else {
      writeUsage(json, end.usage());
    }
  }

  private void writeTerms(JsonGenerator json) throws IOException {
    json.writeBooleanField("parallel_tool_calls", false);
    json.writeNullField("previous_response_id");
    json.writeBooleanField("store", false);
    json.writeNumberField("temperature", terms.sampling().temperature());
    json.writeNumberField("top_p", terms.sampling().topP());
    json.writeObjectFieldStart("text");
    json.writeFieldName("format");
    json.writeRawValue(format);
    json.writeEndObject();
    json.writeStringField("tool_choice", "none");
    json.writeArrayFieldStart("tools");
    json.writeEndArray();
    json.writeStringField("truncation", "disabled");
    json.writeObjectFieldStart("metadata");
    json.writeEndObject();
  }

  private static void writeUsage(JsonGenerator json, Usage usage) throws IOException {
    json.writeObjectFieldStart("usage");
    json.writeNumberField("input_tokens", usage.promptTokens());
    json.writeObjectFieldStart("input_tokens_details");
    json.writeNumberField("cached_tokens", usage.cachedTokens());
    json.writeEndObject();
    json.writeNumberField("output_tokens", usage.generatedTokens());
    json.writeObjectFieldStart("output_tokens_details");
    json.writeNumberField("reasoning_tokens", 0);
    json.writeEndObject();
    json.writeNumberField("total_tokens", usage.totalTokens());
    json.writeEndObject();
  }

  /** The one item of output: the message. */
  void writeMessage(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("type", "message");
    json.writeStringField("id", messageId());
    json.writeStringField("status", status());
    json.writeStringField("role", "assistant");
    json.writeArrayFieldStart("content");
    if (finished != null) {
      writePart(json, text());
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** The one part of its content. */
  static void writePart(JsonGenerator json, String text) throws IOException {
    json.writeStartObject();
    json.writeStringField("type", "output_text");
    json.writeStringField("text", text);
    json.writeArrayFieldStart("annotations");
    json.writeEndArray();
    json.writeArrayFieldStart("logprobs");
    json.writeEndArray();
    json.writeEndObject();
  }
}
