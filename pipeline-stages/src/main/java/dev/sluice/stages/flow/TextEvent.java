package dev.sluice.stages.flow;

import dev.sluice.stages.sampling.TokenLogit;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a text generation emits: {@link Prompt} when echo was asked for, {@link Scored} for each
 * position of the prompt when asked for, one {@link Piece} for each token generated, in order, and
 * one {@link Finished}; {@link Recovered} where asked for.
 */
public sealed interface TextEvent {

  /**
   * The prompt, as the tokenizer gives it back.
   *
   * @param text its text, control tokens left out
   * @param ids its tokens
   */
  record Prompt(String text, List<Integer> ids) implements TextEvent {
    public Prompt {
      ids = List.copyOf(ids);
    }
  }

  /**
   * The distribution after one token of the prompt.
   *
   * @param id that token
   * @param position where it stands, from 0
   * @param nextLogProbability natural logarithm of the probability of the prompt's next token;
   *     empty after the last
   * @param logSumExp of all raw logits
   * @param top the largest raw logits
   */
  record Scored(
      int id,
      int position,
      OptionalDouble nextLogProbability,
      float logSumExp,
      List<TokenLogit> top)
      implements TextEvent {
    public Scored {
      top = List.copyOf(top);
    }
  }

  /**
   * A generated token and its text. The texts of all pieces, joined, are the answer: whole
   * characters, nothing of a stop string. A token in the middle of a character has the text "", and
   * the token that completes the character has all of it.
   *
   * @param text what the token adds; may be empty
   * @param id the token
   * @param position where it stands in the sequence, from 0
   * @param logProbability natural logarithm of its probability under the model
   * @param logSumExp of all raw logits of its position
   * @param top the largest raw logits of its position, largest first; as many as asked for
   */
  record Piece(
      String text,
      int id,
      int position,
      double logProbability,
      float logSumExp,
      List<TokenLogit> top)
      implements TextEvent {
    public Piece {
      top = List.copyOf(top);
    }
  }

  /**
   * A part of the pipeline was lost, and the text goes on as if it had not been.
   *
   * @param tokens how many tokens were generated before the loss
   * @param pause from when the loss was noticed to the next event
   */
  record Recovered(int tokens, Duration pause) implements TextEvent {}

  /** The last event of a generation that ended in good order. */
  record Finished(FinishReason reason, Usage usage, Timings timings) implements TextEvent {}
}
