package dev.sluice.ops.serve.api;

import akka.http.javadsl.model.HttpResponse;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.model.Generation;
import dev.sluice.ops.serve.model.Generations;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** {@code POST /v1/completions}: text goes on, without a chat template. */
final class Completions {
  private static final int DEFAULT_MAX_TOKENS = 16;
  private static final int MAX_PROMPTS = 128;
  private static final int MAX_LOGPROBS = 20;

  private final Streaming streaming;
  private final Generations generations;

  Completions(Streaming streaming, Generations generations) {
    this.streaming = streaming;
    this.generations = generations;
  }

  CompletionStage<HttpResponse> handle(Call call) {
    ServedModel model = generations.model();
    JsonFields fields = call.json();
    Prompts.checkModel(model, fields);
    List<List<Integer>> prompts = prompts(model, fields);
    boolean echo = fields.flag("echo").orElse(false);
    Optional<Integer> logprobs = fields.count("logprobs", 0, MAX_LOGPROBS);
    boolean scores = echo && logprobs.isPresent();
    int maxTokens =
        fields.count("max_tokens", 0, TokenRequest.UNLIMITED).orElse(DEFAULT_MAX_TOKENS);
    if (maxTokens == 0 && !scores) {
      throw ApiException.invalid(
          "max_tokens", "max_tokens: 0 only makes sense with echo: true and logprobs");
    }
    int n = fields.count("n", 1, MAX_PROMPTS).orElse(1);
    Terms terms =
        Terms.of(
            call,
            fields,
            maxTokens,
            logprobs.orElse(0),
            fields.has("best_of") ? "best_of" : "n",
            Formats.of(fields));
    if (terms.count() < n) {
      throw ApiException.invalid("best_of", "best_of: must be at least n, which is " + n);
    }
    if (terms.stream() && terms.count() > n) {
      throw ApiException.invalid("best_of", "best_of: more than n cannot be streamed");
    }
    Optional<Vote> vote = Vote.of(fields, terms);
    if (vote.isPresent() && (prompts.size() > 1 || terms.count() > n)) {
      throw ApiException.invalid("vote", "vote: goes with one prompt and n, without best_of");
    }
    fields.only("suffix", "text can only be continued", "");
    fields.end();
    prompts.forEach(ids -> terms.checkRoom(model, ids.size(), "prompt"));
    Generation generation =
        generations.begin(
            call,
            terms.batch(
                prompts.stream().<TextRequest.Prompt>map(TextRequest.Prompt.Ids::new).toList(),
                List.of(),
                request -> request.echo(echo).scorePrompt(scores)));
    ChatHead head = ChatHead.of("cmpl-", call, model);
    if (terms.stream()) {
      return streaming.events(
          call,
          generation,
          new CompletionScript(call, head, terms, logprobs.isPresent()),
          terms.resumable());
    }
    CompletionAnswer answer =
        new CompletionAnswer(
            call, head, prompts.size(), n, terms.count(), logprobs.isPresent(), vote);
    return streaming.whole(generation, answer::on, answer::response);
  }

  /** A text, several, token ids, or several lists of them. */
  private static List<List<Integer>> prompts(ServedModel model, JsonFields fields) {
    int longest = model.contextTokens() + 1;
    if (fields.isNumbers("prompt")) {
      return List.of(checked(model, fields.integers("prompt", longest).orElseThrow()));
    }
    if (fields.isLists("prompt")) {
      return fields.integerLists("prompt", MAX_PROMPTS, longest).orElseThrow().stream()
          .map(ids -> checked(model, ids))
          .toList();
    }
    List<String> texts = fields.texts("prompt", MAX_PROMPTS);
    if (texts.isEmpty()) {
      throw fields.missing("prompt");
    }
    return texts.stream()
        .map(text -> Arrays.stream(model.tokenizer().encode(text, true, false)).boxed().toList())
        .toList();
  }

  private static List<Integer> checked(ServedModel model, List<Integer> ids) {
    Prompts.checkIds(model, "prompt", ids);
    return ids;
  }
}
