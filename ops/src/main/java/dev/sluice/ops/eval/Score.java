package dev.sluice.ops.eval;

/**
 * The log-probability of texts, in all.
 *
 * @param texts how many
 * @param tokens how many were predicted
 * @param logProbability sum over the tokens, natural logarithm
 * @param squares sum over the texts of the squared log-probability
 * @param products sum over the texts of log-probability times tokens
 * @param tokenSquares sum over the texts of the squared number of tokens
 */
record Score(
    int texts,
    long tokens,
    double logProbability,
    double squares,
    double products,
    double tokenSquares) {
  static final Score NONE = new Score(0, 0, 0, 0, 0, 0);

  /** Of one text. */
  static Score of(double logProbability, int tokens) {
    return new Score(
        1,
        tokens,
        logProbability,
        logProbability * logProbability,
        logProbability * tokens,
        (double) tokens * tokens);
  }

  Score plus(Score other) {
    return new Score(
        texts + other.texts,
        tokens + other.tokens,
        logProbability + other.logProbability,
        squares + other.squares,
        products + other.products,
        tokenSquares + other.tokenSquares);
  }

  /**
   * The mean loss of a token with its variance as a ratio of two sums: tokens of one text are
   * alike, so that the texts are what is counted.
   */
  Outcome.Likelihood likelihood(String name) {
    double mean = logProbability / tokens;
    double spread = squares - 2 * mean * products + mean * mean * tokenSquares;
    double variance =
        texts < 2
            ? Double.NaN
            : Math.max(0, spread) * texts / (texts - 1) / ((double) tokens * tokens);
    return new Outcome.Likelihood(name, tokens, -mean, variance);
  }
}
