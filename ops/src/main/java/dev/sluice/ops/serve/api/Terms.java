package dev.sluice.ops.serve.api;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import dev.sluice.ops.serve.http.JsonFields;
import dev.sluice.ops.serve.model.Batch;
import dev.sluice.ops.serve.model.ServedModel;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.grammar.Grammar;
import dev.sluice.stages.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;

/**
 * What all requests for text have in common: how tokens are drawn, where answers end, how many of
 * them, and how long they may take. Defaults are OpenAI's: temperature 1 and nothing cut off.
 *
 * @param sampling of the first answer; those behind it have the next seeds
 * @param count answers
 * @param maxTokens most tokens of an answer
 * @param tellRecoveries whether a loss that was overcome is an event
 * @param resumable whether a stream outlives its connection for a while
 */
record Terms(
    SamplingParameters sampling,
    int count,
    int maxTokens,
    List<String> stop,
    boolean ignoreEos,
    boolean stream,
    boolean includeUsage,
    boolean tellRecoveries,
    Duration timeout,
    int priority,
    boolean resumable) {
  private static final int MAX_COUNT = 128;
  private static final long MAX_SECONDS = 86_400;
  private static final int MAX_PRIORITY = 100;

  /** The answer that is wanted where a request says nothing about time. */
  static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(10);

  /**
   * Reads them.
   *
   * @param maxTokens read already, since its name differs
   * @param topLogprobs read already, since its form differs
   * @param grammar read already, since it has many forms
   */
  static Terms of(
      Call call,
      JsonFields fields,
      int maxTokens,
      int topLogprobs,
      String countName,
      Optional<Grammar> grammar) {
    fields.text("user").ifPresent(call::user);
    SamplingParameters sampling =
        sampling(fields, topLogprobs).toBuilder().grammar(grammar.orElse(null)).build();
    boolean stream = fields.flag("stream").orElse(false);
    boolean usage = false;
    var options = fields.object("stream_options");
    if (options.isPresent()) {
      if (!stream) {
        throw ApiException.invalid(
            fields.at("stream_options"), "stream_options only makes sense with stream: true");
      }
      usage = options.get().flag("include_usage").orElse(false);
      options.get().end();
    }
    return new Terms(
        sampling,
        fields.count(countName, 1, MAX_COUNT).orElse(1),
        maxTokens,
        fields.texts("stop", TextRequest.MAX_STOP_STRINGS),
        fields.flag("ignore_eos").orElse(false),
        stream,
        usage,
        fields.flag("recovery_events").orElse(false),
        fields
            .number("timeout", 0.001, MAX_SECONDS)
            .map(seconds -> Duration.ofMillis(Math.max(1, Math.round(seconds * 1000))))
            .orElse(DEFAULT_TIMEOUT),
        fields.count("priority", -MAX_PRIORITY, MAX_PRIORITY).orElse(0),
        resumable(fields, stream));
  }

  private static boolean resumable(JsonFields fields, boolean stream) {
    boolean resumable = fields.flag("resumable").orElse(false);
    if (resumable && !stream) {
      throw ApiException.invalid(
          fields.at("resumable"), "resumable only makes sense with stream: true");
    }
    return resumable;
  }

  private static SamplingParameters sampling(JsonFields fields, int topLogprobs) {
    Map<Integer, Float> bias =
        fields
            .map("logit_bias", 4_096, (id, values) -> values.number(id, -100, 100).orElse(0.0))
            .map(given -> bias(fields, given))
            .orElse(Map.of());
    return SamplingParameters.builder()
        .temperature(fields.number("temperature", 0, 2).orElse(1.0).floatValue())
        .topP(fields.number("top_p", 0, 1).orElse(1.0).floatValue())
        .topK(fields.count("top_k", -1, 1 << 20).orElse(0))
        .minP(fields.number("min_p", 0, 1).orElse(0.0).floatValue())
        .repetitionPenalty(fields.number("repetition_penalty", 0.01, 100).orElse(1.0).floatValue())
        .repetitionWindow(fields.count("repeat_last_n", -1, 1 << 30).orElse(-1))
        .presencePenalty(fields.number("presence_penalty", -2, 2).orElse(0.0).floatValue())
        .frequencyPenalty(fields.number("frequency_penalty", -2, 2).orElse(0.0).floatValue())
        .seed(
            fields
                .integer("seed", Long.MIN_VALUE, Long.MAX_VALUE)
                .orElseGet(() -> ThreadLocalRandom.current().nextLong(1L << 32)))
        .logitBias(bias)
        .topLogprobs(topLogprobs)
        .build();
  }

  private static Map<Integer, Float> bias(JsonFields fields, Map<String, Double> given) {
    Map<Integer, Float> bias = new HashMap<>();
    given.forEach(
        (id, value) -> {
          try {
            bias.put(Integer.parseUnsignedInt(id), value.floatValue());
          } catch (NumberFormatException e) {
            throw ApiException.invalid(
                fields.at("logit_bias"), "logit_bias: its names must be token ids");
          }
        });
    for (int id : bias.keySet()) {
      if (id < 0) {
        throw ApiException.invalid(
            fields.at("logit_bias"), "logit_bias: its names must be token ids");
      }
    }
    return bias;
  }

  /** The answers to prompts: {@code count} to each, with seeds in a row. */
  Batch batch(List<TextRequest.Prompt> prompts, List<String> moreStops) {
    return batch(prompts, moreStops, builder -> builder);
  }

  /** The same, with more asked for. */
  Batch batch(
      List<TextRequest.Prompt> prompts,
      List<String> moreStops,
      UnaryOperator<TextRequest.Builder> more) {
    List<TextRequest> requests = new ArrayList<>();
    for (TextRequest.Prompt prompt : prompts) {
      for (int i = 0; i < count; i++) {
        TextRequest.Builder builder =
            TextRequest.builder(prompt)
                .sampling(sampling.toBuilder().seed(sampling.seed() + i).build())
                .maxTokens(maxTokens)
                .stop(stop.toArray(String[]::new))
                .stop(moreStops.toArray(String[]::new))
                .ignoreEos(ignoreEos)
                .tellRecoveries(tellRecoveries && stream);
        requests.add(request(more.apply(builder)));
      }
    }
    return new Batch(requests, count, timeout, priority, resumable);
  }

  /** What is wrong with stop strings is found here. */
  private static TextRequest request(TextRequest.Builder builder) {
    try {
      return builder.build();
    } catch (GenerationException e) {
      throw ApiException.invalid("stop", String.valueOf(e.getMessage()));
    }
  }

  /**
   * Checks that a prompt and its answer have room.
   *
   * @throws ApiException telling how many tokens there are and may be
   */
  void checkRoom(ServedModel model, int promptTokens, String param) {
    long answer = maxTokens == TokenRequest.UNLIMITED ? 1 : maxTokens;
    if (promptTokens + answer > model.contextTokens()) {
      throw ApiException.invalid(
          param,
          "context_length_exceeded",
          maxTokens == TokenRequest.UNLIMITED || promptTokens >= model.contextTokens()
              ? "the prompt has %d tokens, and the context holds %d, one of them at least for the answer"
                  .formatted(promptTokens, model.contextTokens())
              : "the prompt has %d tokens and %d more were asked for, but the context holds %d"
                  .formatted(promptTokens, maxTokens, model.contextTokens()));
    }
    if (promptTokens == 0) {
      throw ApiException.invalid(param, "the prompt has no tokens");
    }
  }
}
