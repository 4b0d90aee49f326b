package dev.sluice.stages.sampling;

/**
 * Keeps the tokens with at least a given share of the most likely one's probability (Nguyen et al.,
 * Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs, 2024).
 */
final class MinP {
  private MinP() {}

  /**
   * Keeps the order. A share of the probability is a distance of the logits: nothing has to be
   * normalized.
   *
   * @param share from 0 to 1; 0 keeps all
   */
  static void apply(Candidates candidates, float share) {
    if (share <= 0 || candidates.size() == 0) {
      return;
    }
    double least = candidates.max() + StrictMath.log(share);
    int kept = 0;
    for (int i = 0; i < candidates.size(); i++) {
      if (candidates.logit(i) >= least) {
        candidates.ids[kept] = candidates.id(i);
        candidates.logits[kept++] = candidates.logit(i);
      }
    }
    candidates.truncate(kept);
  }
}
