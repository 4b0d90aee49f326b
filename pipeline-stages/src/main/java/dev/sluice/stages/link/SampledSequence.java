package dev.sluice.stages.link;

import dev.sluice.stages.sampling.SamplingParameters;
import java.util.Arrays;

/** What sampling needs of one sequence: its parameters and the log of its tokens. */
final class SampledSequence {
  private final SamplingParameters parameters;
  private final int maxTokens;
  private int[] log;
  private int length;

  /**
   * A sequence with its tokens so far.
   *
   * @param maxTokens the log never grows beyond
   */
  SampledSequence(SequenceOpenCodec.SequenceOpen open, int maxTokens) {
    parameters = open.sampling();
    log = open.tokens();
    length = log.length;
    this.maxTokens = maxTokens;
  }

  SamplingParameters parameters() {
    return parameters;
  }

  /** The log; the first {@link #length} are valid. Not to be changed. */
  int[] log() {
    return log;
  }

  int length() {
    return length;
  }

  /** Adds a token; a full context takes no more, and needs none. */
  void append(int token) {
    if (length == maxTokens) {
      return;
    }
    if (length == log.length) {
      log = Arrays.copyOf(log, Math.min(maxTokens, Math.max(64, 2 * length)));
    }
    log[length++] = token;
  }
}
