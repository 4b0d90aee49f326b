package dev.sluice.ops.train;

import dev.sluice.model.training.FeedForward;
import dev.sluice.model.training.ModelShape;
import dev.sluice.model.training.PositionEncoding;
import dev.sluice.ops.CommandException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The shape of a new model. */
final class ShapeOptions {
  private static final int ROUND = 32;

  @Option(names = "--layers", paramLabel = "N", description = "Layers (${DEFAULT-VALUE}).")
  private int layers = 4;

  @Option(
      names = "--width",
      paramLabel = "N",
      description = "Length of a row of activations (${DEFAULT-VALUE}).")
  private int width = 128;

  @Option(names = "--heads", paramLabel = "N", description = "Heads (${DEFAULT-VALUE}).")
  private int heads = 4;

  @Option(
      names = "--kv-heads",
      paramLabel = "N",
      description = "Heads of keys and values (default: as --heads).")
  private @Nullable Integer kvHeads;

  @Option(
      names = "--ffn",
      paramLabel = "N",
      description = "Hidden row of the feed-forward (default: 8/3 of the width; with gelu 4).")
  private @Nullable Integer feedForward;

  @Option(names = "--ctx", paramLabel = "N", description = "Longest sequence (${DEFAULT-VALUE}).")
  private int context = 256;

  @Option(
      names = "--positions",
      paramLabel = "KIND",
      description = "rope or sinusoidal (${DEFAULT-VALUE}).")
  private PositionEncoding positions = PositionEncoding.ROPE;

  @Option(
      names = "--activation",
      paramLabel = "KIND",
      description = "swiglu or gelu (${DEFAULT-VALUE}).")
  private FeedForward activation = FeedForward.SWIGLU;

  @Option(
      names = "--rope-base",
      paramLabel = "B",
      description = "Base of the rotary frequencies (${DEFAULT-VALUE}).")
  private float ropeBase = 10000;

  @Option(
      names = "--norm-eps",
      paramLabel = "E",
      description = "What norms add under the root (${DEFAULT-VALUE}).")
  private float normEpsilon = 1e-5f;

  @Option(
      names = "--untied",
      description = "Give the output head a matrix of its own, beside the embeddings'.")
  private boolean untied;

  /**
   * The shape.
   *
   * @throws CommandException naming the value that makes no sense
   */
  ModelShape shape(int vocabulary) {
    try {
      return new ModelShape(
          vocabulary,
          width,
          layers,
          heads,
          kvHeads == null ? heads : kvHeads,
          feedForward == null ? defaultFeedForward() : feedForward,
          context,
          positions,
          activation,
          ropeBase,
          normEpsilon,
          !untied);
    } catch (IllegalArgumentException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  /** As many weights in either form, in whole blocks of the quantized types. */
  private int defaultFeedForward() {
    return switch (activation) {
      case SWIGLU -> Math.ceilDiv(8 * width / 3, ROUND) * ROUND;
      case GELU -> 4 * width;
    };
  }
}
