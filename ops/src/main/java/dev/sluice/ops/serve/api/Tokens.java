package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.http.Replies;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.chat.Tools;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** {@code POST /tokenize}, {@code /detokenize} and {@code /apply-template}, as llama-server's. */
final class Tokens {
  private static final int MAX_TOKENS = 1 << 20;

  private final Generations generations;

  Tokens(Generations generations) {
    this.generations = generations;
  }

  CompletionStage<HttpResponse> tokenize(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    String content = fields.requiredText("content");
    boolean addSpecial = fields.flag("add_special").orElse(false);
    boolean parseSpecial = fields.flag("parse_special").orElse(true);
    boolean pieces = fields.flag("with_pieces").orElse(false);
    fields.end();
    int[] ids = model.tokenizer().encode(content, addSpecial, parseSpecial);
    TokenTexts texts = new TokenTexts(model.tokenizer());
    return CompletableFuture.completedFuture(
        Replies.json(
            json -> {
              json.writeArrayFieldStart("tokens");
              for (int id : ids) {
                if (pieces) {
                  json.writeStartObject();
                  json.writeNumberField("id", id);
                  json.writeStringField("piece", texts.text(id));
                  json.writeEndObject();
                } else {
                  json.writeNumber(id);
                }
              }
              json.writeEndArray();
            }));
  }

  CompletionStage<HttpResponse> detokenize(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    List<Integer> ids =
        fields.integers("tokens", MAX_TOKENS).orElseThrow(() -> fields.missing("tokens"));
    fields.end();
    Prompts.checkIds(model, "tokens", ids);
    String text = model.tokenizer().decode(ids.stream().mapToInt(Integer::intValue).toArray());
    return CompletableFuture.completedFuture(
        Replies.json(json -> json.writeStringField("content", text)));
  }

  CompletionStage<HttpResponse> applyTemplate(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    List<ChatMessage> messages = Prompts.messages(fields);
    Optional<Tools> tools =
        ToolTerms.of(fields, model.template().toolStyle()).map(ToolTerms::tools);
    fields.end();
    String text = Prompts.rendered(model, messages, tools);
    return CompletableFuture.completedFuture(
        Replies.json(json -> json.writeStringField("prompt", text)));
  }
}
