package dev.sluice.model.training;

import dev.sluice.model.gguf.GgmlType;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.GgufWriter;
import org.jspecify.annotations.Nullable;

/** Trains one model. For one thread. */
@SuppressWarnings("DoNotCallSuggester") // The signatures come first, what they do follows.
public final class Trainer implements AutoCloseable {
  /**
   * What a step did.
   *
   * @param step its number, from 1
   * @param loss mean natural-log loss of its learnt tokens
   * @param learningRate the rate that it used
   * @param gradientNorm of the whole gradient, before clipping
   * @param tokens how many tokens went through
   * @param validationLoss as {@link #validationLoss}, NaN where it was not due
   * @param stop whether this was the last step: all steps done, or no more gain
   */
  public record Report(
      long step,
      double loss,
      double learningRate,
      double gradientNorm,
      int tokens,
      double validationLoss,
      boolean stop) {}

  private Trainer() {}

  /** A new model with random weights. */
  public static Trainer create(
      ModelShape shape, TrainingOptions options, TokenDataset training, TokenDataset validation) {
    throw new UnsupportedOperationException();
  }

  /** Goes on from a model file; with {@code lora} only adapters learn. */
  public static Trainer fineTune(
      GgufFile model,
      @Nullable LoraOptions lora,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    throw new UnsupportedOperationException();
  }

  /** Goes on as if nothing had happened. */
  public static Trainer resume(
      GgufFile checkpoint,
      TrainingOptions options,
      TokenDataset training,
      TokenDataset validation) {
    throw new UnsupportedOperationException();
  }

  /** Steps done. */
  public long step() {
    throw new UnsupportedOperationException();
  }

  /** Whether all steps are done, or an early stop was decided. */
  public boolean finished() {
    throw new UnsupportedOperationException();
  }

  /** The model's shape. */
  public ModelShape shape() {
    throw new UnsupportedOperationException();
  }

  /** Off-heap bytes that training takes, all told. */
  public long memoryBytes() {
    throw new UnsupportedOperationException();
  }

  /** One step of the optimizer, with a validation where one is due. */
  public Report advance() {
    throw new UnsupportedOperationException();
  }

  /** Mean natural-log loss per learnt token of the validation set; NaN if that is empty. */
  public double validationLoss() {
    throw new UnsupportedOperationException();
  }

  /** Everything needed to go on, as a model file. */
  public GgufWriter checkpoint(GgufMetadata tokenizer) {
    throw new UnsupportedOperationException();
  }

  /** The model alone, adapters merged. */
  public GgufWriter export(GgufMetadata tokenizer, GgmlType type) {
    throw new UnsupportedOperationException();
  }

  /** The adapters alone. */
  public GgufWriter adapter() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
