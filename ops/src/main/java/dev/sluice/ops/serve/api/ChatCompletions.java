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
import dev.sluice.stages.grammar.Grammar;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;

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
    Optional<ToolTerms> tools = ToolTerms.of(fields, model.template().toolStyle());
    Terms terms =
        Terms.of(call, fields, maxTokens(fields), top.orElse(0), "n", form(fields, tools));
    Optional<Vote> vote = Vote.of(fields, terms);
    fields.only("store", "answers are not stored", false);
    fields.only("service_tier", "there is one tier only", "auto", "default");
    fields.only("modalities", "answers are text", List.of("text"));
    fields.unsupported("functions", "function_call", "metadata");
    fields.end();
    List<Integer> ids = Prompts.ids(model, messages, tools.map(ToolTerms::tools));
    terms.checkRoom(model, ids.size(), "messages");
    Generation generation =
        generations.begin(
            call,
            terms.batch(List.of(new TextRequest.Prompt.Ids(ids)), model.template().stopStrings()));
    IntFunction<ChatReader> readers =
        choice ->
            new ChatReader(tools.map(t -> t.tools().reader()), "call_" + call.id() + "_" + choice);
    if (terms.stream()) {
      return streaming.events(
          call,
          generation,
          new ChatScript(call, model, terms, logprobs, readers),
          terms.resumable());
    }
    ChatAnswer answer = new ChatAnswer(call, model, terms.count(), logprobs, readers, vote);
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

  /** What answers keep to. */
  private static Optional<Grammar> form(JsonFields fields, Optional<ToolTerms> tools) {
    Optional<Grammar> format = Formats.of(fields);
    if (format.isPresent() && tools.isPresent()) {
      throw ApiException.unsupported(
          fields.at("tools"),
          "tools cannot go together with response_format or grammar; tool_choice: \"none\" turns"
              + " tools off");
    }
    return format.or(() -> tools.map(ToolTerms::grammar));
  }
}
