package dev.sluice.stages.link;

import dev.sluice.stages.grammar.GrammarException;
import dev.sluice.stages.grammar.GrammarMatcher;
import dev.sluice.stages.sampling.SamplingParameters;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What sampling needs of one sequence: its parameters, the log of its tokens, and where it stands
 * in its grammar.
 */
final class SampledSequence {
  private final SamplingParameters parameters;
  private final int maxTokens;
  private final @Nullable GrammarMatcher grammar;
  private int[] log;
  private int length;

  /**
   * A sequence with its tokens so far.
   *
   * @param maxTokens the log never grows beyond
   * @param grammar at the end of the log; null where the sequence has none
   */
  SampledSequence(
      SequenceOpenCodec.SequenceOpen open, int maxTokens, @Nullable GrammarMatcher grammar) {
    this.grammar = grammar;
    parameters = open.sampling();
    log = open.tokens();
    length = log.length;
    this.maxTokens = maxTokens;
  }

  SamplingParameters parameters() {
    return parameters;
  }

  /** Where it stands in its grammar; null where it has none. */
  @Nullable GrammarMatcher grammar() {
    return grammar;
  }

  /** The log; the first {@link #length} are valid. Not to be changed. */
  int[] log() {
    return log;
  }

  int length() {
    return length;
  }

  /**
   * Adds a token; a full context takes no more, and needs none.
   *
   * @throws GrammarException where its grammar does not go on so
   */
  void append(int token) {
    if (grammar != null && !grammar.accept(token)) {
      throw new GrammarException("token " + token + " was chosen, and the grammar forbids it");
    }
    if (length == maxTokens) {
      return;
    }
    if (length == log.length) {
      log = Arrays.copyOf(log, Math.min(maxTokens, Math.max(64, 2 * length)));
    }
    log[length++] = token;
  }
}
