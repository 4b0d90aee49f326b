package dev.sluice.model.arch;

/** Which two elements of a head turn together in a rotary embedding. */
public enum RopeStyle {
  /** Neighbours: {@code (x[2i], x[2i+1])}. */
  NORM,
  /** Halves: {@code (x[i], x[i + dimensions/2])}. */
  NEOX
}
