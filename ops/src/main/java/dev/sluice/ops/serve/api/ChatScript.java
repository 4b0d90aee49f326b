package dev.sluice.ops.serve.api;

import akka.util.ByteString;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ToolReader;
import dev.sluice.stages.chat.Tools;
import dev.sluice.stages.flow.TextEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The events of a chat completion: for each answer the role, then what each token adds, then why it
 * ended; at the end of all the usage, where it was asked for.
 */
final class ChatScript implements Streaming.Script {
  private final Call call;
  private final Terms terms;
  private final boolean logprobs;
  private final ChatHead head;
  private final TokenTexts tokens;
  private final IntFunction<ChatReader> readers;
  private final Map<Integer, ChatReader> choices = new HashMap<>();
  private final UsageCount usage = new UsageCount();

  /**
   * Nothing said yet.
   *
   * @param readers one for each answer
   */
  ChatScript(
      Call call,
      ServedModel model,
      Terms terms,
      boolean logprobs,
      IntFunction<ChatReader> readers) {
    this.call = call;
    this.terms = terms;
    this.logprobs = logprobs;
    this.readers = readers;
    this.head = ChatHead.of("chatcmpl-", call, model);
    this.tokens = new TokenTexts(model.tokenizer());
  }

  @Override
  public List<ByteString> on(ChoiceEvent event) {
    List<ByteString> events = new ArrayList<>();
    int choice = event.choice();
    ChatReader reader =
        choices.computeIfAbsent(
            choice,
            _ -> {
              events.add(
                  chunk(
                      choice,
                      json -> {
                        json.writeStringField("role", "assistant");
                        json.writeStringField("content", "");
                      },
                      null,
                      null));
              return readers.apply(choice);
            });
    switch (event.event()) {
      case TextEvent.Piece piece -> {
        List<ToolReader.Part> parts = reader.add(piece.text());
        if (logprobs) {
          // One chunk for each token: what it adds may be known only later.
          String said = parts.isEmpty() ? "" : content(parts.getFirst());
          events.add(chunk(choice, json -> json.writeStringField("content", said), piece, null));
          parts = said.isEmpty() ? parts : parts.subList(1, parts.size());
        }
        parts.forEach(part -> events.add(chunk(choice, reader, part)));
      }
      case TextEvent.Finished finished -> {
        usage.add(finished.usage(), choice == 0);
        reader.end().forEach(part -> events.add(chunk(choice, reader, part)));
        events.add(chunk(choice, _ -> {}, null, reader.word(finished.reason())));
      }
      case TextEvent.Recovered recovered -> events.add(Recoveries.event(choice, recovered));
      case TextEvent.Prompt _, TextEvent.Scored _ -> {}
    }
    return events;
  }

  private static String content(ToolReader.Part part) {
    return part instanceof ToolReader.Part.Content(String text) ? text : "";
  }

  private ByteString chunk(int choice, ChatReader reader, ToolReader.Part part) {
    return chunk(
        choice,
        json -> {
          switch (part) {
            case ToolReader.Part.Content(String text) -> json.writeStringField("content", text);
            case ToolReader.Part.Called(Tools.Call called) -> {
              json.writeArrayFieldStart("tool_calls");
              reader.write(json, called, true);
              json.writeEndArray();
            }
          }
        },
        null,
        null);
  }

  private ByteString chunk(
      int choice,
      Json.Fields delta,
      TextEvent.@Nullable Piece probabilities,
      @Nullable String finishReason) {
    return Sse.data(
        Json.object(
            json -> {
              head.write(json, "chat.completion.chunk");
              json.writeArrayFieldStart("choices");
              json.writeStartObject();
              json.writeNumberField("index", choice);
              json.writeObjectFieldStart("delta");
              delta.write(json);
              json.writeEndObject();
              writeProbabilities(json, probabilities);
              json.writeStringField("finish_reason", finishReason);
              json.writeEndObject();
              json.writeEndArray();
              if (terms.includeUsage()) {
                json.writeNullField("usage");
              }
            }));
  }

  private void writeProbabilities(JsonGenerator json, TextEvent.@Nullable Piece piece)
      throws IOException {
    if (piece == null) {
      json.writeNullField("logprobs");
    } else {
      ChatAnswer.writeProbabilities(json, tokens, List.of(piece));
    }
  }

  @Override
  public List<ByteString> end() {
    call.used(usage.promptTokens(), usage.completionTokens());
    call.ended("finished");
    if (!terms.includeUsage()) {
      return List.of(Sse.DONE);
    }
    String last =
        Json.object(
            json -> {
              head.write(json, "chat.completion.chunk");
              json.writeArrayFieldStart("choices");
              json.writeEndArray();
              usage.write(json);
            });
    return List.of(Sse.data(last), Sse.DONE);
  }
}
