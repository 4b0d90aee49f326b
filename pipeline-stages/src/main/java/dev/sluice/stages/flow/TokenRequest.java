package dev.sluice.stages.flow;

import dev.sluice.stages.sampling.SamplingParameters;
import java.util.Arrays;

/** What a {@link TokenGenerator} is asked for: token ids, no text. Immutable. */
public final class TokenRequest {
  /** As {@link #maxTokens}: until a stop token or the end of the context. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  private final int[] prompt;
  private final SamplingParameters sampling;
  private final int maxTokens;
  private final int[] stopTokens;
  private final boolean scorePrompt;
  private final boolean tellRecoveries;

  /**
   * A request.
   *
   * @param prompt token ids, at least one
   * @param sampling how tokens are chosen
   * @param maxTokens most tokens to generate; 0 only makes sense with {@code scorePrompt}
   * @param stopTokens the generation ends when one of these is sampled; that token is not an event
   * @param scorePrompt whether each prompt position gives a {@link TokenEvent.Scored} first
   */
  public TokenRequest(
      int[] prompt,
      SamplingParameters sampling,
      int maxTokens,
      int[] stopTokens,
      boolean scorePrompt) {
    this(prompt, sampling, maxTokens, stopTokens, scorePrompt, false);
  }

  private TokenRequest(
      int[] prompt,
      SamplingParameters sampling,
      int maxTokens,
      int[] stopTokens,
      boolean scorePrompt,
      boolean tellRecoveries) {
    if (prompt.length == 0) {
      throw invalid("the prompt has no tokens; give at least one");
    }
    for (int id : prompt) {
      if (id < 0) {
        throw invalid("the prompt has token " + id + "; token ids start at 0");
      }
    }
    if (maxTokens < 0) {
      throw invalid("at most " + maxTokens + " tokens were asked for; give 0 or more");
    }
    if (maxTokens == 0 && !scorePrompt) {
      throw invalid("neither tokens nor the prompt's scores were asked for");
    }
    this.prompt = prompt.clone();
    this.sampling = sampling;
    this.maxTokens = maxTokens;
    this.stopTokens = stopTokens.clone();
    this.scorePrompt = scorePrompt;
    this.tellRecoveries = tellRecoveries;
  }

  /** The same request, which is also told of losses, by {@link TokenEvent.Recovered}. */
  public TokenRequest tellingRecoveries() {
    return new TokenRequest(prompt, sampling, maxTokens, stopTokens, scorePrompt, true);
  }

  private static GenerationException invalid(String message) {
    return new GenerationException(GenerationException.Kind.INVALID_REQUEST, message);
  }

  /** A copy of the prompt's ids. */
  public int[] prompt() {
    return prompt.clone();
  }

  public int promptLength() {
    return prompt.length;
  }

  public SamplingParameters sampling() {
    return sampling;
  }

  public int maxTokens() {
    return maxTokens;
  }

  /** A copy of the stop tokens. */
  public int[] stopTokens() {
    return stopTokens.clone();
  }

  /** Whether sampling this token ends the generation. */
  public boolean isStopToken(int id) {
    for (int stop : stopTokens) {
      if (stop == id) {
        return true;
      }
    }
    return false;
  }

  public boolean scorePrompt() {
    return scorePrompt;
  }

  /** Whether a loss that was overcome is an event; by default it is not. */
  public boolean tellRecoveries() {
    return tellRecoveries;
  }

  @Override
  public String toString() {
    return "TokenRequest[prompt of "
        + prompt.length
        + " tokens, maxTokens="
        + maxTokens
        + ", stopTokens="
        + Arrays.toString(stopTokens)
        + ", scorePrompt="
        + scorePrompt
        + ", "
        + sampling
        + "]";
  }
}
