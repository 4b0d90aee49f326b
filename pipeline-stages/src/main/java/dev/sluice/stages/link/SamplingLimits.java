package dev.sluice.stages.link;

/**
 * What a sampling stage has to reckon with; anything beyond is refused.
 *
 * @param stage index of this stage in the pipeline, for failures found here
 * @param vocabularySize length of a row of logits
 * @param maxSequences slots run from 0 to one less
 * @param maxTokens tokens of one sequence, prompt and answer
 */
public record SamplingLimits(int stage, int vocabularySize, int maxSequences, int maxTokens) {
  public SamplingLimits {
    if (stage < 0 || vocabularySize < 1 || maxSequences < 1 || maxTokens < 1) {
      throw new IllegalArgumentException(
          "stage %d, vocabulary of %d, %d sequences, %d tokens: from 0, and from 1 on"
              .formatted(stage, vocabularySize, maxSequences, maxTokens));
    }
  }
}
