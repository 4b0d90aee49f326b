package dev.sluice.ops.eval;

/** How a model did at a task. */
public sealed interface Outcome {
  /** The task. */
  EvalTask task();

  /**
   * Answers that were right or wrong.
   *
   * @param task the task
   * @param items how many were asked
   * @param right how many answers were right
   * @param logProbability of the right answers, in all, natural logarithm
   * @param tokens of the right answers, in all
   */
  record Graded(EvalTask task, int items, int right, double logProbability, long tokens)
      implements Outcome {
    /** The share of right answers. */
    public double accuracy() {
      return (double) right / items;
    }

    /** Where the true share lies. */
    public Interval interval() {
      return Interval.ofShare(right, items);
    }

    /** Mean log-probability of a token of a right answer. */
    public double perToken() {
      return logProbability / tokens;
    }

    /** Mean log-probability of a right answer. */
    public double perAnswer() {
      return logProbability / items;
    }
  }

  /**
   * How likely a text was.
   *
   * @param text what text
   * @param tokens how many were predicted
   * @param loss mean of the negative log-probability of a token
   * @param variance of the mean, by the pieces of the text; NaN where there is but one
   */
  record Likelihood(String text, long tokens, double loss, double variance) implements Outcome {
    @Override
    public EvalTask task() {
      return EvalTask.PERPLEXITY;
    }

    /** The perplexity. */
    public double perplexity() {
      return Math.exp(loss);
    }

    /** Where the perplexity of such text lies; NaN where it is not known. */
    public Interval interval() {
      Interval losses = Interval.ofMean(loss, variance, 1);
      return new Interval(Math.exp(losses.low()), Math.exp(losses.high()));
    }
  }
}
