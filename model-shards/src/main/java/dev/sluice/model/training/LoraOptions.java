package dev.sluice.model.training;

import java.util.Set;
import java.util.TreeSet;

/**
 * Low-rank adaptation (Hu et al., 2021): {@code W x + alpha / rank * B (A x)}, {@code W} frozen.
 *
 * @param rank rows of {@code A}
 * @param alpha weight of the adaptation
 * @param targets which matrices of each layer, by their names in GGUF files
 */
public record LoraOptions(int rank, float alpha, Set<String> targets) {
  /** What can be adapted. */
  public static final Set<String> TARGETS =
      Set.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down");

  /**
   * Checks the options.
   *
   * @throws IllegalArgumentException naming the value that makes no sense
   */
  public LoraOptions {
    targets = Set.copyOf(targets);
    if (rank < 1 || rank > 1024) {
      throw new IllegalArgumentException("the rank must be 1 to 1024: " + rank);
    }
    if (!(alpha > 0 && alpha < 1e6)) {
      throw new IllegalArgumentException("alpha must be positive: " + alpha);
    }
    if (targets.isEmpty() || !TARGETS.containsAll(targets)) {
      throw new IllegalArgumentException(
          "targets are some of " + new TreeSet<>(TARGETS) + ", not " + targets);
    }
  }
}
