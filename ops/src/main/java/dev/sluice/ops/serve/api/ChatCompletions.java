package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.model.Generation;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.chat.ChatMessage;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** {@code POST /v1/chat/completions}. */
final class ChatCompletions {
  private static final int MAX_TOP_LOGPROBS = 20;

  private final Streaming streaming;
  private final Generations generations;

  ChatCompletions(Streaming streaming, Generations generations) {
    this.streaming = streaming;
    this.generations = generations;
  }

  CompletionStage<HttpResponse> handle(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    Prompts.checkModel(model, fields);
    List<ChatMessage> messages = Prompts.messages(fields);
    boolean logprobs = fields.flag("logprobs").orElse(false);
    Optional<Integer> top = fields.count("top_logprobs", 0, MAX_TOP_LOGPROBS);
    if (top.isPresent() && !logprobs) {
      throw ApiException.invalid(
          fields.at("top_logprobs"), "top_logprobs only makes sense with logprobs: true");
    }
    Terms terms = Terms.of(call, fields, maxTokens(fields), top.orElse(0), "n");
    readFormat(fields);
    fields.only("store", "answers are not stored", false);
    fields.only("service_tier", "there is one tier only", "auto", "default");
    fields.only("modalities", "answers are text", List.of("text"));
    fields.unsupported("tools", "tool_choice", "functions", "function_call", "metadata");
    fields.end();
    List<Integer> ids = Prompts.ids(model, messages);
    terms.checkRoom(model, ids.size(), "messages");
    Generation generation =
        generations.begin(
            call,
            terms.batch(List.of(new TextRequest.Prompt.Ids(ids)), model.template().stopStrings()));
    if (terms.stream()) {
      return streaming.events(
          call, generation, new ChatScript(call, model, terms, logprobs), terms.resumable());
    }
    ChatAnswer answer = new ChatAnswer(call, model, terms.count(), logprobs);
    return streaming.whole(generation, answer::on, answer::response);
  }

  private static int maxTokens(JsonFields fields) {
    Optional<Integer> newer = fields.count("max_completion_tokens", 1, TokenRequest.UNLIMITED);
    Optional<Integer> older = fields.count("max_tokens", 1, TokenRequest.UNLIMITED);
    if (newer.isPresent() && older.isPresent() && !newer.equals(older)) {
      throw ApiException.invalid(
          "max_tokens", "max_tokens and max_completion_tokens say different things: give one");
    }
    return newer.or(() -> older).orElse(TokenRequest.UNLIMITED);
  }

  private static void readFormat(JsonFields fields) {
    Optional<JsonFields> format = fields.object("response_format");
    if (format.isPresent()) {
      String type =
          format.get().word("type", Set.of("text", "json_object", "json_schema")).orElse("text");
      if (!type.equals("text")) {
        throw ApiException.unsupported(
            "response_format.type", "response_format: " + type + " is not supported yet");
      }
      format.get().end();
    }
  }
}
