package dev.sluice.actors;

/** Which engine computes the layers. */
public enum Backend {
  /** The Vector API engine: on quantized weights, the same bits on every machine. */
  VECTOR,
  /** The reference model on ND4J: plain formulas, slow, for comparison. */
  ND4J
}
