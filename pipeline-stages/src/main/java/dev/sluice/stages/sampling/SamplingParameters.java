package dev.sluice.stages.sampling;

import dev.sluice.stages.grammar.Grammar;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a token is chosen from the logits. Names, meaning and defaults are llama.cpp's; the chain is
 * bias, grammar, penalties, top-k, top-p, min-p, temperature, draw. Validated when built.
 *
 * @param temperature logits are divided by it; 0 takes the most likely token and draws nothing
 * @param topK keeps the k most likely; 0 or less: off
 * @param topP keeps the smallest set of the most likely whose probability reaches p; 1: off
 * @param minP keeps those with at least this share of the most likely one's probability; 0: off
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens seen in the
 *     window; 1: off
 * @param repetitionWindow how many of the last tokens (of prompt and answer) the three penalties
 *     look at; -1: all, 0: none
 * @param presencePenalty subtracted from the logit of every token seen in the window; 0: off
 * @param frequencyPenalty subtracted once for every time the token occurs in the window; 0: off
 * @param seed of the draws: the draw at a position is a function of the seed and the position only
 * @param logitBias added to the logits first
 * @param topLogprobs how many of the largest raw logits go with each token
 * @param grammar what the answer must keep to; null for nothing
 */
public record SamplingParameters(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    int repetitionWindow,
    float presencePenalty,
    float frequencyPenalty,
    long seed,
    LogitBias logitBias,
    int topLogprobs,
    @Nullable Grammar grammar) {

  /** Most alternatives that can be asked for with each token. */
  public static final int MAX_TOP_LOGPROBS = 100;

  /** llama.cpp's defaults, seed 0. */
  public static final SamplingParameters DEFAULT = new Builder().build();

  /** The most likely token, always. */
  public static final SamplingParameters GREEDY = new Builder().temperature(0).build();

  public SamplingParameters {
    atLeastZero("temperature", temperature);
    within("top-p", topP, 0, 1);
    within("min-p", minP, 0, 1);
    if (!(repetitionPenalty > 0) || !Float.isFinite(repetitionPenalty)) {
      throw new IllegalArgumentException(
          "repetition penalty "
              + repetitionPenalty
              + ": must be a finite number above 0 (1 is off)");
    }
    if (repetitionWindow < -1) {
      throw new IllegalArgumentException(
          "repetition window "
              + repetitionWindow
              + ": must be -1 (whole context), 0 (off) or a number of tokens");
    }
    finite("presence penalty", presencePenalty);
    finite("frequency penalty", frequencyPenalty);
    if (topLogprobs < 0 || topLogprobs > MAX_TOP_LOGPROBS) {
      throw new IllegalArgumentException(
          "top logprobs " + topLogprobs + ": must be from 0 to " + MAX_TOP_LOGPROBS);
    }
  }

  /** Whether the most likely token is taken without a draw. */
  public boolean greedy() {
    return temperature == 0;
  }

  /** Whether any penalty has an effect. */
  public boolean penalized() {
    return repetitionWindow != 0
        && (repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from these. */
  public Builder toBuilder() {
    return new Builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .repetitionPenalty(repetitionPenalty)
        .repetitionWindow(repetitionWindow)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .seed(seed)
        .logitBias(logitBias)
        .topLogprobs(topLogprobs)
        .grammar(grammar);
  }

  private static void atLeastZero(String name, float value) {
    if (!(value >= 0) || !Float.isFinite(value)) {
      throw new IllegalArgumentException(
          name + " " + value + ": must be a finite number of at least 0");
    }
  }

  private static void within(String name, float value, float low, float high) {
    if (!(value >= low && value <= high)) {
      throw new IllegalArgumentException(
          name + " " + value + ": must be from " + low + " to " + high);
    }
  }

  private static void finite(String name, float value) {
    if (!Float.isFinite(value)) {
      throw new IllegalArgumentException(name + " " + value + ": must be a finite number");
    }
  }

  /** Collects the parameters; {@link #build} validates them. */
  public static final class Builder {
    private float temperature = 0.8f;
    private int topK = 40;
    private float topP = 0.95f;
    private float minP = 0.05f;
    private float repetitionPenalty = 1;
    private int repetitionWindow = 64;
    private float presencePenalty;
    private float frequencyPenalty;
    private long seed;
    private LogitBias logitBias = LogitBias.NONE;
    private int topLogprobs;
    private @Nullable Grammar grammar;

    private Builder() {}

    public Builder temperature(float value) {
      temperature = value;
      return this;
    }

    public Builder topK(int value) {
      topK = value;
      return this;
    }

    public Builder topP(float value) {
      topP = value;
      return this;
    }

    public Builder minP(float value) {
      minP = value;
      return this;
    }

    public Builder repetitionPenalty(float value) {
      repetitionPenalty = value;
      return this;
    }

    public Builder repetitionWindow(int value) {
      repetitionWindow = value;
      return this;
    }

    public Builder presencePenalty(float value) {
      presencePenalty = value;
      return this;
    }

    public Builder frequencyPenalty(float value) {
      frequencyPenalty = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder logitBias(LogitBias value) {
      logitBias = value;
      return this;
    }

    public Builder logitBias(Map<Integer, Float> value) {
      logitBias = LogitBias.of(value);
      return this;
    }

    public Builder topLogprobs(int value) {
      topLogprobs = value;
      return this;
    }

    /** What the answer must keep to; null for nothing. */
    public Builder grammar(@Nullable Grammar value) {
      grammar = value;
      return this;
    }

    /**
     * The parameters.
     *
     * @throws IllegalArgumentException naming the parameter, what was given and what is allowed
     */
    public SamplingParameters build() {
      return new SamplingParameters(
          temperature,
          topK,
          topP,
          minP,
          repetitionPenalty,
          repetitionWindow,
          presencePenalty,
          frequencyPenalty,
          seed,
          logitBias,
          topLogprobs,
          grammar);
    }
  }
}
