package dev.sluice.model.training;

/**
 * How a model is trained. {@link #threads} is the only value that changes no bit.
 *
 * @param steps steps of the optimizer
 * @param batchTokens most tokens of a micro-batch
 * @param accumulation micro-batches of a step, their gradients added
 * @param sequenceLength longest sequence; longer documents are cut
 * @param learningRate the highest, after the warm-up
 * @param finalLearningRate the one at the end of the cosine
 * @param warmupSteps steps over which the rate rises from 0
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon what AdamW adds to the root of the second moment
 * @param weightDecay decoupled decay of matrices
 * @param clip largest norm of the whole gradient; 0: no limit
 * @param dropout share of the activations that are left out; 0: none
 * @param seed of weights, order of documents and dropout
 * @param threads threads that compute
 * @param validateEvery steps between validations; 0: only at the end
 * @param patience validations without gain after which training stops; 0: never
 */
public record TrainingOptions(
    long steps,
    int batchTokens,
    int accumulation,
    int sequenceLength,
    double learningRate,
    double finalLearningRate,
    long warmupSteps,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double clip,
    double dropout,
    long seed,
    int threads,
    long validateEvery,
    int patience) {
  /**
   * Checks the options.
   *
   * @throws IllegalArgumentException naming the value that makes no sense
   */
  public TrainingOptions {
    require(steps > 0, "the number of steps must be positive", steps);
    require(
        batchTokens > 0 && batchTokens <= 1 << 20,
        "the tokens of a batch must be 1 to 1048576",
        batchTokens);
    require(
        accumulation > 0 && accumulation <= 1 << 16,
        "the batches of a step must be 1 to 65536",
        accumulation);
    require(
        sequenceLength > 0 && sequenceLength <= batchTokens,
        "the longest sequence must be positive and fit into a batch of " + batchTokens + " tokens",
        sequenceLength);
    require(within(learningRate, 0, 10), "the learning rate must be 0 to 10", learningRate);
    require(
        within(finalLearningRate, 0, learningRate),
        "the final learning rate must be 0 to the highest",
        finalLearningRate);
    require(
        warmupSteps >= 0 && warmupSteps <= steps,
        "the warm-up must be 0 to the number of steps",
        warmupSteps);
    require(within(beta1, 0, 0.9999999), "beta1 must be 0 to less than 1", beta1);
    require(within(beta2, 0, 0.9999999), "beta2 must be 0 to less than 1", beta2);
    require(epsilon > 0 && epsilon < 1, "epsilon must be between 0 and 1", epsilon);
    require(within(weightDecay, 0, 10), "the weight decay must be 0 to 10", weightDecay);
    require(within(clip, 0, 1e9), "the largest gradient must not be negative", clip);
    require(within(dropout, 0, 0.9), "dropout must be 0 to 0.9", dropout);
    require(threads > 0 && threads <= 1024, "threads must be 1 to 1024", threads);
    require(
        validateEvery >= 0, "the steps between validations must not be negative", validateEvery);
    require(patience >= 0, "the patience must not be negative", patience);
  }

  /** The learning rate of a step, counted from 1: a line up, then half a cosine down. */
  public double learningRate(long step) {
    if (step <= warmupSteps) {
      return learningRate * step / warmupSteps;
    }
    double done = (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps);
    double cosine = (1 + StrictMath.cos(StrictMath.PI * Math.min(1, done))) / 2;
    return finalLearningRate + (learningRate - finalLearningRate) * cosine;
  }

  /** The defaults, to change. */
  public static Builder builder() {
    return new Builder();
  }

  private static boolean within(double value, double least, double most) {
    return value >= least && value <= most;
  }

  private static void require(boolean holds, String message, Number value) {
    if (!holds) {
      throw new IllegalArgumentException(message + ": " + value);
    }
  }

  /** Options under construction; {@link #build} checks them. */
  public static final class Builder {
    private long steps = 1000;
    private int batchTokens = 4096;
    private int accumulation = 1;
    private int sequenceLength = 256;
    private double learningRate = 1e-3;
    private double finalLearningRate = 1e-4;
    private long warmupSteps = 100;
    private double beta1 = 0.9;
    private double beta2 = 0.95;
    private double epsilon = 1e-8;
    private double weightDecay = 0.1;
    private double clip = 1;
    private double dropout;
    private long seed = 1;
    private int threads = Runtime.getRuntime().availableProcessors();
    private long validateEvery;
    private int patience;

    private Builder() {}

    public Builder steps(long value) {
      steps = value;
      return this;
    }

    public Builder batchTokens(int value) {
      batchTokens = value;
      return this;
    }

    public Builder accumulation(int value) {
      accumulation = value;
      return this;
    }

    public Builder sequenceLength(int value) {
      sequenceLength = value;
      return this;
    }

    public Builder learningRate(double value) {
      learningRate = value;
      return this;
    }

    public Builder finalLearningRate(double value) {
      finalLearningRate = value;
      return this;
    }

    public Builder warmupSteps(long value) {
      warmupSteps = value;
      return this;
    }

    public Builder beta1(double value) {
      beta1 = value;
      return this;
    }

    public Builder beta2(double value) {
      beta2 = value;
      return this;
    }

    public Builder epsilon(double value) {
      epsilon = value;
      return this;
    }

    public Builder weightDecay(double value) {
      weightDecay = value;
      return this;
    }

    public Builder clip(double value) {
      clip = value;
      return this;
    }

    public Builder dropout(double value) {
      dropout = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder threads(int value) {
      threads = value;
      return this;
    }

    public Builder validateEvery(long value) {
      validateEvery = value;
      return this;
    }

    public Builder patience(int value) {
      patience = value;
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException naming the value that makes no sense
     */
    public TrainingOptions build() {
      return new TrainingOptions(
          steps,
          batchTokens,
          accumulation,
          sequenceLength,
          learningRate,
          finalLearningRate,
          warmupSteps,
          beta1,
          beta2,
          epsilon,
          weightDecay,
          clip,
          dropout,
          seed,
          threads,
          validateEvery,
          patience);
    }
  }
}
