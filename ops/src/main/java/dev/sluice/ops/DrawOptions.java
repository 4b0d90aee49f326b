package dev.sluice.ops;

import dev.sluice.stages.sampling.SamplingParameters;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** How a token is drawn from what the model holds likely. */
final class DrawOptions {
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

  /**
   * The parameters with these options.
   *
   * @throws CommandException naming a bias that is no number
   */
  SamplingParameters.Builder parameters(long seed) {
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
        .seed(seed);
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
