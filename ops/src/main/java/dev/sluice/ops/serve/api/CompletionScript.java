package dev.sluice.ops.serve.api;

import akka.util.ByteString;
import dev.sluice.ops.Json;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.Sse;
import dev.sluice.ops.serve.model.ChoiceEvent;
import dev.sluice.stages.flow.TextEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The events of text completions. */
final class CompletionScript implements Streaming.Script {
  private final Call call;
  private final ChatHead head;
  private final Terms terms;
  private final boolean logprobs;
  private final TokenTexts tokens;
  private final Map<Integer, CompletionTexts> texts = new HashMap<>();
  private final UsageCount usage = new UsageCount();

  CompletionScript(Call call, ChatHead head, Terms terms, boolean logprobs) {
    this.call = call;
    this.head = head;
    this.terms = terms;
    this.logprobs = logprobs;
    this.tokens = new TokenTexts(head.model().tokenizer());
  }

  @Override
  public List<ByteString> on(ChoiceEvent event) {
    CompletionTexts text =
        texts.computeIfAbsent(event.choice(), _ -> new CompletionTexts(tokens, logprobs));
    text.on(event.event());
    return switch (event.event()) {
      case TextEvent.Piece _ ->
          text.hasUnsaid() ? List.of(chunk(event.choice(), text, null)) : List.of();
      case TextEvent.Finished finished -> {
        usage.add(finished.usage(), event.choice() % terms.count() == 0);
        yield List.of(chunk(event.choice(), text, ChatHead.word(finished.reason())));
      }
      case TextEvent.Recovered recovered -> List.of(Recoveries.event(event.choice(), recovered));
      // Told together with the first token.
      case TextEvent.Prompt _, TextEvent.Scored _ -> List.of();
    };
  }

  private ByteString chunk(int choice, CompletionTexts text, @Nullable String finishReason) {
    return Sse.data(
        Json.object(
            json -> {
              head.write(json, "text_completion");
              json.writeArrayFieldStart("choices");
              json.writeStartObject();
              json.writeNumberField("index", choice);
              json.writeStringField("text", text.takeText());
              text.writeProbabilities(json);
              json.writeStringField("finish_reason", finishReason);
              json.writeEndObject();
              json.writeEndArray();
              if (terms.includeUsage()) {
                json.writeNullField("usage");
              }
            }));
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
              head.write(json, "text_completion");
              json.writeArrayFieldStart("choices");
              json.writeEndArray();
              usage.write(json);
            });
    return List.of(Sse.data(last), Sse.DONE);
  }
}
