package dev.sluice.stages.sampling;

/**
 * The softmax of the candidates at a temperature: above 1 flatter, below 1 steeper, towards 0
 * greedy.
 */
final class Temperature {
  private Temperature() {}

  /**
   * Weights proportional to the probabilities; the largest is 1, so nothing overflows.
   *
   * @param temperature above 0
   * @param weights filled for each candidate in its order
   * @return their sum, added in that order
   */
  static double weights(Candidates candidates, float temperature, double[] weights) {
    float max = candidates.size() == 0 ? 0 : candidates.max();
    double sum = 0;
    for (int i = 0; i < candidates.size(); i++) {
      double weight = StrictMath.exp(((double) candidates.logit(i) - max) / temperature);
      weights[i] = weight;
      sum += weight;
    }
    return sum;
  }
}
