package dev.sluice.ops.train;

import dev.sluice.model.training.TokenDataset;
import dev.sluice.model.training.TrainingOptions;
import dev.sluice.ops.CommandException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long and how fast a model learns. */
final class ScheduleOptions {
  private static final int DEFAULT_EPOCHS = 1;
  private static final long WARMUP_SHARE = 20;
  private static final long MOST_WARMUP = 200;
  private static final long VALIDATIONS = 20;

  @Option(names = "--steps", paramLabel = "N", description = "Steps of the optimizer.")
  private @Nullable Long steps;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      converter = Counts.class,
      description = "Instead of --steps: tokens to go through, such as 30M.")
  private @Nullable Long tokens;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Instead of --steps: how often to go through the text (default: once).")
  private @Nullable Double epochs;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      description = "Tokens of a batch (${DEFAULT-VALUE}).")
  private int batchTokens = 4096;

  @Option(
      names = "--accumulate",
      paramLabel = "N",
      description = "Batches whose gradients make a step (${DEFAULT-VALUE}).")
  private int accumulate = 1;

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "Highest learning rate (default: 0.001; to fine-tune all weights 0.0003).")
  private @Nullable Double learningRate;

  @Option(
      names = "--min-lr",
      paramLabel = "RATE",
      description = "Learning rate at the end (default: a tenth of the highest).")
  private @Nullable Double finalLearningRate;

  @Option(
      names = "--warmup",
      paramLabel = "STEPS",
      description = "Steps over which the rate rises (default: a twentieth of all, at most 200).")
  private @Nullable Long warmup;

  @Option(
      names = "--weight-decay",
      paramLabel = "D",
      description = "Decay of matrices by AdamW (${DEFAULT-VALUE}).")
  private double weightDecay = 0.1;

  @Option(names = "--beta1", paramLabel = "B", description = "Of AdamW (${DEFAULT-VALUE}).")
  private double beta1 = 0.9;

  @Option(names = "--beta2", paramLabel = "B", description = "Of AdamW (${DEFAULT-VALUE}).")
  private double beta2 = 0.95;

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      description = "Largest norm of the gradient; 0: no limit (${DEFAULT-VALUE}).")
  private double clip = 1;

  @Option(
      names = "--dropout",
      paramLabel = "SHARE",
      description = "Share of the activations left out while learning (${DEFAULT-VALUE}).")
  private double dropout;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "N",
      description = "Of weights, order of documents and dropout (${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Threads that compute; changes no bit of the result (default: all cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--validate-every",
      paramLabel = "STEPS",
      description = "Steps between looks at held-out text (default: a twentieth of all).")
  private @Nullable Long validateEvery;

  @Option(
      names = "--patience",
      paramLabel = "N",
      description = "Stop after so many looks without gain; 0: never (${DEFAULT-VALUE}).")
  private int patience;

  /**
   * The options of a training.
   *
   * @param sequenceLength the longest sequence
   * @param defaultRate the learning rate where none is given
   * @throws CommandException naming the value that makes no sense
   */
  TrainingOptions options(TokenDataset training, int sequenceLength, double defaultRate) {
    double rate = learningRate == null ? defaultRate : learningRate;
    long total = steps(training.tokens());
    try {
      return TrainingOptions.builder()
          .steps(total)
          .batchTokens(batchTokens)
          .accumulation(accumulate)
          .sequenceLength(sequenceLength)
          .learningRate(rate)
          .finalLearningRate(finalLearningRate == null ? rate / 10 : finalLearningRate)
          .warmupSteps(
              warmup == null ? Math.min(MOST_WARMUP, Math.ceilDiv(total, WARMUP_SHARE)) : warmup)
          .beta1(beta1)
          .beta2(beta2)
          .weightDecay(weightDecay)
          .clip(clip)
          .dropout(dropout)
          .seed(seed)
          .threads(threads)
          .validateEvery(validateEvery == null ? Math.ceilDiv(total, VALIDATIONS) : validateEvery)
          .patience(patience)
          .build();
    } catch (IllegalArgumentException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Steps between two checkpoints where none are asked for: so that little is lost. */
  static long checkpointEvery(long steps) {
    return Math.ceilDiv(steps, VALIDATIONS);
  }

  private long steps(long available) {
    if ((steps == null ? 0 : 1) + (tokens == null ? 0 : 1) + (epochs == null ? 0 : 1) > 1) {
      throw new CommandException("give one of --steps, --tokens and --epochs");
    }
    if (batchTokens < 1 || accumulate < 1) {
      throw new CommandException("--batch-tokens and --accumulate must be at least 1");
    }
    if (steps != null) {
      return steps;
    }
    long wanted =
        tokens != null
            ? tokens
            : (long) Math.ceil(available * (epochs == null ? DEFAULT_EPOCHS : epochs));
    return Math.max(1, Math.ceilDiv(wanted, (long) batchTokens * accumulate));
  }
}
