package dev.sluice.stages.flow;

import dev.sluice.stages.sampling.TokenLogit;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a {@link TokenGenerator} emits: {@link Scored} for each position of the prompt in order when
 * asked for, then {@link Token} for each token generated in order, then one {@link Finished}, then
 * completion. Where it was asked for, {@link Recovered} comes between any of them. {@link Reused}
 * comes first, if at all.
 */
public sealed interface TokenEvent {

  /**
   * The distribution after a token of the prompt.
   *
   * @param position of that token in the sequence, from 0
   * @param nextLogit raw logit of the prompt's next token; empty after the last one
   * @param logSumExp of all raw logits
   * @param top the largest raw logits, largest first, equal ones by lower id; as many as asked for
   */
  record Scored(int position, OptionalDouble nextLogit, float logSumExp, List<TokenLogit> top)
      implements TokenEvent {
    public Scored {
      top = List.copyOf(top);
    }

    /** Natural logarithm of the next token's probability; empty after the last token. */
    public OptionalDouble nextLogProbability() {
      return nextLogit.isPresent()
          ? OptionalDouble.of(nextLogit.getAsDouble() - logSumExp)
          : OptionalDouble.empty();
    }
  }

  /**
   * A generated token; never the stop token that ends the generation.
   *
   * @param id the token
   * @param position where it stands in the sequence, from 0; the first one stands at the prompt's
   *     length
   * @param logit its raw logit
   * @param logSumExp of all raw logits of that position
   * @param top the largest raw logits, largest first, equal ones by lower id; as many as asked for
   */
  record Token(int id, int position, float logit, float logSumExp, List<TokenLogit> top)
      implements TokenEvent {
    public Token {
      top = List.copyOf(top);
    }

    /**
     * Natural logarithm of the token's probability under the model, before bias, penalties and
     * temperature.
     */
    public double logProbability() {
      return (double) logit - logSumExp;
    }
  }

  /**
   * A part of the pipeline was lost, and the generation goes on as if it had not been; the events
   * before and behind are those of a run without the loss.
   *
   * @param tokens how many tokens were generated before the loss
   * @param pause from when the loss was noticed to the next event
   */
  record Recovered(int tokens, Duration pause) implements TokenEvent {}

  /**
   * The keys and values of the prompt's beginning were there already.
   *
   * @param tokens how many tokens of the prompt
   */
  record Reused(int tokens) implements TokenEvent {}

  /** The last event of a generation that ended in good order. */
  record Finished(FinishReason reason, Usage usage, Timings timings) implements TokenEvent {}
}
