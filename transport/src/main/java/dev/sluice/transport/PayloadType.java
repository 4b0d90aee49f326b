package dev.sluice.transport;

/** What the bytes of a payload are, little-endian. The codes are the wire's: they never change. */
public enum PayloadType {
  /** No payload. */
  NONE(0, 1),
  /** A message of its own. */
  BYTES(1, 1),
  /** 32-bit integers: token ids. */
  I32(2, 4),
  /** IEEE 754 binary32. */
  F32(3, 4),
  /** IEEE 754 binary16. */
  F16(4, 2),
  /** The upper half of a binary32. */
  BF16(5, 2),
  /** Blocks of 8-bit integers with their scales. */
  Q8(6, 1);

  private static final PayloadType[] ALL = values();

  private final int code;
  private final int unit;

  PayloadType(int code, int unit) {
    this.code = code;
    this.unit = unit;
  }

  /** On the wire, from 0 up without a hole. */
  int code() {
    return code;
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
