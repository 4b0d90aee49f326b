package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TextEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A chat completion that is answered when it is whole. */
final class ChatAnswer {
  private final Call call;
  private final boolean logprobs;
  private final ChatHead head;
  private final TokenTexts tokens;
  private final List<Choice> choices;
  private final UsageCount usage = new UsageCount();

  /** One of the answers. */
  private static final class Choice {
    final StringBuilder text = new StringBuilder();
    final List<TextEvent.Piece> pieces = new ArrayList<>();
    FinishReason reason = FinishReason.STOP;
  }

  ChatAnswer(Call call, ServedModel model, int count, boolean logprobs) {
    this.call = call;
    this.logprobs = logprobs;
    this.head = ChatHead.of("chatcmpl-", call, model);
    this.tokens = new TokenTexts(model.tokenizer());
    this.choices = Stream.generate(Choice::new).limit(count).toList();
  }

  void on(ChoiceEvent event) {
    Choice choice = choices.get(event.choice());
    switch (event.event()) {
      case TextEvent.Piece piece -> {
        choice.text.append(piece.text());
        if (logprobs) {
          choice.pieces.add(piece);
        }
      }
      case TextEvent.Finished finished -> {
        choice.reason = finished.reason();
        usage.add(finished.usage(), event.choice() == 0);
      }
      case TextEvent.Prompt _, TextEvent.Scored _, TextEvent.Recovered _ -> {}
    }
  }

  HttpResponse response() {
    call.used(usage.promptTokens(), usage.completionTokens());
    return Replies.json(
        json -> {
          head.write(json, "chat.completion");
          json.writeArrayFieldStart("choices");
          for (int i = 0; i < choices.size(); i++) {
            write(json, i, choices.get(i));
          }
          json.writeEndArray();
          usage.write(json);
        });
  }

  private void write(JsonGenerator json, int index, Choice choice) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    json.writeObjectFieldStart("message");
    json.writeStringField("role", "assistant");
    json.writeStringField("content", choice.text.toString());
    json.writeNullField("refusal");
    json.writeEndObject();
    if (logprobs) {
      writeProbabilities(json, tokens, choice.pieces);
    } else {
      json.writeNullField("logprobs");
    }
    json.writeStringField("finish_reason", ChatHead.word(choice.reason));
    json.writeEndObject();
  }

  /** The field {@code logprobs}. */
  static void writeProbabilities(
      JsonGenerator json, TokenTexts tokens, List<TextEvent.Piece> pieces) throws IOException {
    json.writeObjectFieldStart("logprobs");
    json.writeArrayFieldStart("content");
    for (TextEvent.Piece piece : pieces) {
      json.writeStartObject();
      tokens.write(json, piece.id(), piece.logProbability());
      tokens.writeTop(json, piece.top(), piece.logSumExp());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNullField("refusal");
    json.writeEndObject();
  }
}
