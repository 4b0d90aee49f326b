package dev.sluice.stages.sampling;

/** Takes the most likely token. */
final class Greedy {
  private Greedy() {}

  /**
   * The token with the largest logit, the lowest id among equals; -1 where all are negative
   * infinity.
   */
  static int pick(float[] logits, int vocabularySize) {
    int best = -1;
    float largest = Float.NEGATIVE_INFINITY;
    for (int id = 0; id < vocabularySize; id++) {
      if (logits[id] > largest) {
        largest = logits[id];
        best = id;
      }
    }
    return best;
  }
}
