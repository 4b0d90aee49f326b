package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ToolReader;
import dev.sluice.stages.chat.Tools;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.TextEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** A chat completion that is answered when it is whole. */
final class ChatAnswer {
  private final Call call;
  private final boolean logprobs;
  private final ChatHead head;
  private final TokenTexts tokens;
  private final Optional<Vote> vote;
  private final List<Choice> choices;
  private final UsageCount usage = new UsageCount();

  /** One of the answers. */
  private static final class Choice {
    final ChatReader reader;
    final StringBuilder content = new StringBuilder();
    final List<Tools.Call> calls = new ArrayList<>();
    final List<TextEvent.Piece> pieces = new ArrayList<>();
    FinishReason reason = FinishReason.STOP;

    Choice(ChatReader reader) {
      this.reader = reader;
    }

    void add(List<ToolReader.Part> parts) {
      for (ToolReader.Part part : parts) {
        switch (part) {
          case ToolReader.Part.Content(String text) -> content.append(text);
          case ToolReader.Part.Called(Tools.Call call) -> calls.add(call);
        }
      }
    }
  }

  /**
   * Nothing answered yet.
   *
   * @param readers one for each answer
   * @param vote where one of the answers is to be chosen
   */
  ChatAnswer(
      Call call,
      ServedModel model,
      int count,
      boolean logprobs,
      IntFunction<ChatReader> readers,
      Optional<Vote> vote) {
    this.call = call;
    this.logprobs = logprobs;
    this.vote = vote;
    this.head = ChatHead.of("chatcmpl-", call, model);
    this.tokens = new TokenTexts(model.tokenizer());
    this.choices = IntStream.range(0, count).mapToObj(i -> new Choice(readers.apply(i))).toList();
  }

  void on(ChoiceEvent event) {
    Choice choice = choices.get(event.choice());
    switch (event.event()) {
      case TextEvent.Piece piece -> {
        choice.add(choice.reader.add(piece.text()));
        if (logprobs) {
          choice.pieces.add(piece);
        }
      }
      case TextEvent.Finished finished -> {
        choice.add(choice.reader.end());
        choice.reason = finished.reason();
        usage.add(finished.usage(), event.choice() == 0);
      }
      case TextEvent.Prompt _, TextEvent.Scored _, TextEvent.Recovered _ -> {}
    }
  }

  HttpResponse response() {
    call.used(usage.promptTokens(), usage.completionTokens());
    Optional<Vote.Result> voted =
        vote.map(v -> v.count(choices.stream().map(c -> c.content.toString()).toList()));
    List<Choice> told = voted.map(result -> List.of(choices.get(result.first()))).orElse(choices);
    return Replies.json(
        json -> {
          head.write(json, "chat.completion");
          json.writeArrayFieldStart("choices");
          for (int i = 0; i < told.size(); i++) {
            write(json, i, told.get(i));
          }
          json.writeEndArray();
          usage.write(json);
          if (voted.isPresent()) {
            voted.get().write(json);
          }
        });
  }

  private void write(JsonGenerator json, int index, Choice choice) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    json.writeObjectFieldStart("message");
    json.writeStringField("role", "assistant");
    boolean silent = choice.content.isEmpty() && !choice.calls.isEmpty();
    json.writeStringField("content", silent ? null : choice.content.toString());
    json.writeNullField("refusal");
    if (!choice.calls.isEmpty()) {
      json.writeArrayFieldStart("tool_calls");
      for (Tools.Call called : choice.calls) {
        choice.reader.write(json, called, false);
      }
      json.writeEndArray();
    }
    json.writeEndObject();
    if (logprobs) {
      writeProbabilities(json, tokens, choice.pieces);
    } else {
      json.writeNullField("logprobs");
    }
    json.writeStringField("finish_reason", choice.reader.word(choice.reason));
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
