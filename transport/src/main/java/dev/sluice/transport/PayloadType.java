package dev.sluice.transport;

/**
 * What the bytes of a payload are, little-endian. The order is the wire's: it never changes, new
 * types go to the end.
 */
public enum PayloadType {
  /** No payload. */
  NONE(1),
  /** A message of its own. */
  BYTES(1),
  /** 32-bit integers: token ids. */
  I32(4),
  /** IEEE 754 binary32. */
  F32(4),
  /** IEEE 754 binary16. */
  F16(2),
  /** The upper half of a binary32. */
  BF16(2),
  /** Blocks of 8-bit integers with their scales. */
  Q8(1);

  private static final PayloadType[] ALL = values();

  private final int unit;

  PayloadType(int unit) {
    this.unit = unit;
  }

  /** A payload's length is a multiple of this many bytes. */
  int unit() {
    return unit;
  }

  /** The type with this wire code, which must be below {@link #count()}. */
  static PayloadType of(int code) {
    return ALL[code];
  }

  static int count() {
    return ALL.length;
  }
}
