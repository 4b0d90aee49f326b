package dev.sluice.model.cache;

/** How keys and values are stored. Both types give the same bits however a prompt is chunked. */
public enum KvType {
  /** As computed. */
  F32(Float.BYTES),
  /** Rounded to half precision (round to nearest, ties to even) before the first use. */
  F16(Short.BYTES);

  private final int bytes;

  KvType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one stored element. */
  public int bytes() {
    return bytes;
  }
}
