package dev.sluice.stages.flow;

import dev.sluice.stages.sampling.SamplingParameters;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A request for text. Immutable.
 *
 * @param prompt text or ids
 * @param sampling how tokens are chosen
 * @param maxTokens most tokens to generate; {@link TokenRequest#UNLIMITED}: as many as the context
 *     holds
 * @param stopStrings the answer ends before the first of these
 * @param stopTokens ids that end the answer, besides the vocabulary's end-of-generation tokens
 * @param ignoreEos whether the vocabulary's end-of-generation tokens are banned (logit bias of
 *     negative infinity) instead of ending the answer
 * @param echo whether a {@link TextEvent.Prompt} comes first
 * @param scorePrompt whether each position of the prompt gives a {@link TextEvent.Scored}
 * @param tellRecoveries whether a loss that was overcome gives a {@link TextEvent.Recovered}
 */
public record TextRequest(
    Prompt prompt,
    SamplingParameters sampling,
    int maxTokens,
    List<String> stopStrings,
    List<Integer> stopTokens,
    boolean ignoreEos,
    boolean echo,
    boolean scorePrompt,
    boolean tellRecoveries) {

  /** Most stop strings of a request. */
  public static final int MAX_STOP_STRINGS = 64;

  /** Longest stop string, in UTF-16 units. */
  public static final int MAX_STOP_LENGTH = 4_096;

  /** Most extra stop tokens of a request. */
  public static final int MAX_STOP_TOKENS = 1_024;

  /** What the model is to continue. */
  public sealed interface Prompt {
    /**
     * Text for the tokenizer. A rendered chat wants {@code parseSpecial}, and {@code addSpecial}
     * only when the template does not write the BOS token itself.
     *
     * @param addSpecial whether the vocabulary's BOS and EOS rules apply
     * @param parseSpecial whether special tokens written in the text are taken as such
     */
    record Text(String text, boolean addSpecial, boolean parseSpecial) implements Prompt {}

    /** Token ids, taken as they are. */
    record Ids(List<Integer> ids) implements Prompt {
      public Ids {
        ids = List.copyOf(ids);
      }
    }
  }

  public TextRequest {
    stopStrings = List.copyOf(stopStrings);
    stopTokens = List.copyOf(stopTokens);
    if (stopStrings.size() > MAX_STOP_STRINGS) {
      throw invalid(
          stopStrings.size() + " stop strings: at most " + MAX_STOP_STRINGS + " may be given");
    }
    for (String stop : stopStrings) {
      if (stop.isEmpty() || stop.length() > MAX_STOP_LENGTH) {
        throw invalid(
            "a stop string of "
                + stop.length()
                + " characters: must have from 1 to "
                + MAX_STOP_LENGTH);
      }
      if (!StandardCharsets.UTF_8.newEncoder().canEncode(stop)) {
        throw invalid("a stop string with half a surrogate pair: give whole characters");
      }
    }
    if (stopTokens.size() > MAX_STOP_TOKENS) {
      throw invalid(
          stopTokens.size() + " stop tokens: at most " + MAX_STOP_TOKENS + " may be given");
    }
    if (maxTokens < 0) {
      throw invalid("at most " + maxTokens + " tokens were asked for; give 0 or more");
    }
  }

  /** The same, with losses that were overcome told. */
  public TextRequest tellingRecoveries() {
    return new TextRequest(
        prompt, sampling, maxTokens, stopStrings, stopTokens, ignoreEos, echo, scorePrompt, true);
  }

  private static GenerationException invalid(String message) {
    return new GenerationException(GenerationException.Kind.INVALID_REQUEST, message);
  }

  /** Text to continue: special tokens added as the vocabulary says, none parsed. */
  public static TextRequest of(String prompt) {
    return builder(prompt).build();
  }

  public static Builder builder(String prompt) {
    return new Builder(new Prompt.Text(prompt, true, false));
  }

  public static Builder builder(Prompt prompt) {
    return new Builder(prompt);
  }

  /** Collects a request; {@link #build} validates it. */
  public static final class Builder {
    private Prompt prompt;
    private SamplingParameters sampling = SamplingParameters.DEFAULT;
    private int maxTokens = TokenRequest.UNLIMITED;
    private final List<String> stopStrings = new ArrayList<>();
    private final List<Integer> stopTokens = new ArrayList<>();
    private boolean ignoreEos;
    private boolean echo;
    private boolean scorePrompt;
    private boolean tellRecoveries;

    private Builder(Prompt prompt) {
      this.prompt = prompt;
    }

    public Builder prompt(Prompt value) {
      prompt = value;
      return this;
    }

    public Builder sampling(SamplingParameters value) {
      sampling = value;
      return this;
    }

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    public Builder stop(String... values) {
      stopStrings.addAll(List.of(values));
      return this;
    }

    public Builder stopToken(int... values) {
      for (int value : values) {
        stopTokens.add(value);
      }
      return this;
    }

    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder echo(boolean value) {
      echo = value;
      return this;
    }

    public Builder scorePrompt(boolean value) {
      scorePrompt = value;
      return this;
    }

    public Builder tellRecoveries(boolean value) {
      tellRecoveries = value;
      return this;
    }

    /**
     * The request.
     *
     * @throws GenerationException when something asked for is out of its limits
     */
    public TextRequest build() {
      return new TextRequest(
          prompt,
          sampling,
          maxTokens,
          stopStrings,
          stopTokens,
          ignoreEos,
          echo,
          scorePrompt,
          tellRecoveries);
    }
  }
}
