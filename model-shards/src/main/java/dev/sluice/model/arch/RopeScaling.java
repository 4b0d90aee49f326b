package dev.sluice.model.arch;

/** How rotary frequencies are stretched beyond the context a model was first trained on. */
public sealed interface RopeScaling {
  /** Not at all. */
  record None() implements RopeScaling {}

  /**
   * All positions divided by a factor.
   *
   * @param factor the divisor, positive
   */
  record Linear(double factor) implements RopeScaling {}

  /**
   * YaRN (Peng et al., 2023): low frequencies interpolated, high ones kept, a ramp between.
   *
   * @param factor how far the context is stretched
   * @param originalContext context length of the first training
   * @param extFactor weight of the ramp, 1 in the paper
   * @param attnFactor what cos and sin are multiplied by, beside the paper's {@code 1 + 0.1 ln
   *     factor}
   * @param betaFast rotations over the original context above which a frequency is kept
   * @param betaSlow rotations below which it is fully interpolated
   */
  record Yarn(
      double factor,
      int originalContext,
      double extFactor,
      double attnFactor,
      double betaFast,
      double betaSlow)
      implements RopeScaling {}

  /**
   * LongRoPE (Ding et al., 2024): a factor per frequency, in tensors {@code
   * rope_factors_long.weight} and {@code rope_factors_short.weight}; {@link ModelSpec#longFactors}
   * says which apply.
   *
   * @param originalContext context length of the first training
   * @param attnFactor what cos and sin are multiplied by
   */
  record LongRope(int originalContext, double attnFactor) implements RopeScaling {}
}
