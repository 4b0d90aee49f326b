package dev.sluice.model.arch;

/** How activations are normalized. */
public enum NormKind {
  /** Root mean square, a weight, no bias (Zhang and Sennrich, 2019). */
  RMS,
  /** Mean and variance, weight and bias (Ba et al., 2016). */
  LAYER
}
