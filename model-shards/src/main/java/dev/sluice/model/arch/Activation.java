package dev.sluice.model.arch;

/** The non-linearity of the feed-forward part. */
public enum Activation {
  /** {@code x / (1 + exp(-x))}. */
  SILU,
  /** GELU in its form with tanh (Hendrycks and Gimpel, 2016). */
  GELU_TANH
}
