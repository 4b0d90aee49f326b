package dev.sluice.model.training;

/** The feed-forward of a model that is trained. */
public enum FeedForward {
  /** {@code down(silu(gate(x)) * up(x))} (Shazeer, 2020). */
  SWIGLU,
  /** {@code down(gelu(up(x)))}, the approximation by tanh (Hendrycks and Gimpel, 2016). */
  GELU
}
