package dev.sluice.model.reference;

/** The number type in which the reference model holds weights, caches and activations. */
public enum Precision {
  /** Single precision: half the memory. */
  F32(Float.BYTES),
  /** Double precision: the oracle. */
  F64(Double.BYTES);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one number. */
  public int bytes() {
    return bytes;
  }
}
