package dev.sluice.ops;

import dev.sluice.stages.flow.TextRequest;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How tokens are chosen and when a generation ends. */
final class SamplingOptions {
  @Option(
      names = {"-n", "--max-tokens", "--n-predict"},
      paramLabel = "N",
      description = "Most tokens to generate (default: until the end of the text or the context).")
  private int maxTokens = TokenRequest.UNLIMITED;

  @Option(
      names = {"--temp", "--temperature"},
      paramLabel = "T",
      description = "Temperature; 0 always takes the most likely token (${DEFAULT-VALUE}).")
  private float temperature = SamplingParameters.DEFAULT.temperature();

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Keep the K most likely tokens; 0: all (${DEFAULT-VALUE}).")
  private int topK = SamplingParameters.DEFAULT.topK();

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Keep the smallest set whose probability reaches P; 1: all (${DEFAULT-VALUE}).")
  private float topP = SamplingParameters.DEFAULT.topP();

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description =
          "Keep tokens with at least P times the probability of the most likely"
              + " (${DEFAULT-VALUE}).")
  private float minP = SamplingParameters.DEFAULT.minP();

  @Option(
      names = {"--repeat-penalty", "--repetition-penalty"},
      paramLabel = "R",
      description = "Penalty of tokens that were seen; 1: none (${DEFAULT-VALUE}).")
  private float repeatPenalty = SamplingParameters.DEFAULT.repetitionPenalty();

  @Option(
      names = "--repeat-last-n",
      paramLabel = "N",
      description =
          "How many of the last tokens the penalties look at; -1: all (${DEFAULT-VALUE}).")
  private int repeatLastN = SamplingParameters.DEFAULT.repetitionWindow();

  @Option(
      names = "--presence-penalty",
      paramLabel = "A",
      description = "Subtracted from logits of tokens that were seen (${DEFAULT-VALUE}).")
  private float presencePenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "A",
      description = "Subtracted once for every time a token was seen (${DEFAULT-VALUE}).")
  private float frequencyPenalty;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=BIAS",
      description = "Added to the logit of a token; -inf bans it. May be repeated.")
  private Map<Integer, String> logitBias = new LinkedHashMap<>();

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "SEED",
      description = "Seed of the draws: the same seed gives the same text (default: a new one).")
  private @Nullable Long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text. May be repeated.")
  private List<String> stop = List.of();

  @Option(
      names = "--stop-token",
      paramLabel = "ID",
      description = "End at this token. May be repeated.")
  private List<Integer> stopTokens = List.of();

  @Option(names = "--ignore-eos", description = "Never let the model end the text by itself.")
  private boolean ignoreEos;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "With --json: the N most likely tokens beside each (0 to 100).")
  private int logprobs;

  /** The seed that is used: the one given, or one drawn the first time this is asked. */
  long seed() {
    Long known = seed;
    if (known == null) {
      known = ThreadLocalRandom.current().nextLong(1L << 32);
      seed = known;
    }
    return known;
  }

  /** A request with these options and {@link #seed}. */
  TextRequest request(TextRequest.Prompt prompt) {
    return request(prompt, seed(), List.of());
  }

  /**
   * A request with these options, but for the seed, and with more stop strings.
   *
   * @throws CommandException naming the option that is out of its limits
   */
  TextRequest request(TextRequest.Prompt prompt, long withSeed, List<String> moreStops) {
    try {
      TextRequest.Builder request =
          TextRequest.builder(prompt)
              .sampling(parameters(withSeed))
              .maxTokens(maxTokens < 0 ? TokenRequest.UNLIMITED : maxTokens)
              .stop(stop.toArray(String[]::new))
              .stop(moreStops.toArray(String[]::new))
              .ignoreEos(ignoreEos);
      stopTokens.forEach(request::stopToken);
      return request.build();
    } catch (IllegalArgumentException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  private SamplingParameters parameters(long withSeed) {
    return SamplingParameters.builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .repetitionPenalty(repeatPenalty)
        .repetitionWindow(repeatLastN)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(biases())
        .seed(withSeed)
        .topLogprobs(logprobs)
        .build();
  }

  private Map<Integer, Float> biases() {
    Map<Integer, Float> biases = new LinkedHashMap<>();
    logitBias.forEach(
        (token, text) -> {
          try {
            biases.put(
                token, text.equals("-inf") ? Float.NEGATIVE_INFINITY : Float.parseFloat(text));
          } catch (NumberFormatException e) {
            throw new CommandException(
                "--logit-bias " + token + "=" + text + ": the bias is a number or -inf", e);
          }
        });
    return biases;
  }
}
