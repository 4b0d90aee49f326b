package dev.sluice.ops.train;

import dev.sluice.model.training.LoraOptions;
import dev.sluice.ops.CommandException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether only adapters learn, and which. */
final class LoraArguments {
  private static final int DEFAULT_RANK = 8;
  private static final List<String> DEFAULT_TARGETS =
      List.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down");

  @Option(
      names = "--lora",
      description = "Learn low-rank adapters beside the weights, which stay as they are.")
  private boolean lora;

  @Option(
      names = "--rank",
      paramLabel = "R",
      description = "With --lora: rank of the adapters (default: 8).")
  private @Nullable Integer rank;

  @Option(
      names = "--alpha",
      paramLabel = "A",
      description = "With --lora: their weight, as A/R (default: twice the rank).")
  private @Nullable Float alpha;

  @Option(
      names = "--targets",
      paramLabel = "NAME",
      split = ",",
      description =
          "With --lora: matrices that get one, of attn_q, attn_k, attn_v, attn_output, ffn_gate,"
              + " ffn_up, ffn_down (default: all that the model has).")
  private @Nullable List<String> targets;

  /** Whether adapters are asked for. */
  boolean asked() {
    return lora;
  }

  /**
   * The adapters, if asked for.
   *
   * @param gated whether the model's feed-forward has a gate
   * @throws CommandException naming the value that makes no sense
   */
  Optional<LoraOptions> options(boolean gated) {
    if (!lora) {
      if (rank != null || alpha != null || targets != null) {
        throw new CommandException("--rank, --alpha and --targets go with --lora");
      }
      return Optional.empty();
    }
    int r = rank == null ? DEFAULT_RANK : rank;
    List<String> names =
        targets != null
            ? targets
            : DEFAULT_TARGETS.stream().filter(n -> gated || !n.equals("ffn_gate")).toList();
    try {
      return Optional.of(
          new LoraOptions(r, alpha == null ? 2f * r : alpha, new LinkedHashSet<>(names)));
    } catch (IllegalArgumentException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }
}
