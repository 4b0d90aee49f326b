package dev.sluice.ops.serve.api;

import akka.util.ByteString;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.TextEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
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
  private final BitSet begun = new BitSet();
  private final UsageCount usage = new UsageCount();

  ChatScript(Call call, ServedModel model, Terms terms, boolean logprobs) {
    this.call = call;
    this.terms = terms;
    this.logprobs = logprobs;
    this.head = ChatHead.of("chatcmpl-", call, model);
    this.tokens = new TokenTexts(model.tokenizer());
  }

  @Override
  public List<ByteString> on(ChoiceEvent event) {
    List<ByteString> events = new ArrayList<>();
    if (!begun.get(event.choice())) {
      begun.set(event.choice());
      events.add(
          chunk(
              event.choice(),
              json -> {
                json.writeStringField("role", "assistant");
                json.writeStringField("content", "");
              },
              null,
              null));
    }
    switch (event.event()) {
      case TextEvent.Piece piece -> {
        if (logprobs || !piece.text().isEmpty()) {
          events.add(
              chunk(
                  event.choice(),
                  json -> json.writeStringField("content", piece.text()),
                  logprobs ? piece : null,
                  null));
        }
      }
      case TextEvent.Finished finished -> {
        usage.add(finished.usage(), event.choice() == 0);
        events.add(chunk(event.choice(), _ -> {}, null, ChatHead.word(finished.reason())));
      }
      case TextEvent.Recovered recovered -> events.add(Recoveries.event(event.choice(), recovered));
      case TextEvent.Prompt _, TextEvent.Scored _ -> {}
    }
    return events;
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
