package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/**
 * How a page holds the keys and values of {@code pageTokens} neighbouring positions of one layer:
 * first the keys {@code [token][kvHeads * keyLength]}, then the values {@code [token][kvHeads *
 * valueLength]}, in F32 or in half precision.
 *
 * @param pageTokens positions of a page
 * @param kvHeads heads of keys and values
 * @param keyLength elements of a key head
 * @param valueLength elements of a value head
 * @param half whether elements are half precision instead of F32
 */
public record KvLayout(int pageTokens, int kvHeads, int keyLength, int valueLength, boolean half) {
  private static final int LIMIT = 1 << 16;

  public KvLayout {
    check("pageTokens", pageTokens);
    check("kvHeads", kvHeads);
    check("keyLength", keyLength);
    check("valueLength", valueLength);
  }

  private static void check(String what, int value) {
    if (value < 1 || value > LIMIT) {
      throw new IllegalArgumentException(what + " must be 1 to " + LIMIT + ": " + value);
    }
  }

  /** Bytes of an element. */
  public int elementBytes() {
    return half ? Short.BYTES : Float.BYTES;
  }

  /** Bytes of the keys of one position. */
  public long keyRowBytes() {
    return (long) kvHeads * keyLength * elementBytes();
  }

  /** Bytes of the values of one position. */
  public long valueRowBytes() {
    return (long) kvHeads * valueLength * elementBytes();
  }

  /** Where in a page the values start. */
  public long valuesOffset() {
    return pageTokens * keyRowBytes();
  }

  /** Bytes of a page. */
  public long pageBytes() {
    return pageTokens * (keyRowBytes() + valueRowBytes());
  }

  /**
   * Stores the keys and values of one position, rounded to the element type (to nearest, ties to
   * even).
   *
   * @param page the page, {@link #pageBytes} long
   * @param token which of its positions, 0 to {@code pageTokens - 1}
   * @param keys segment of the {@code kvHeads * keyLength} keys
   * @param values segment of the {@code kvHeads * valueLength} values
   */
  public void store(
      MemorySegment page,
      int token,
      MemorySegment keys,
      long keysOffset,
      MemorySegment values,
      long valuesOffset) {
    if (token < 0 || token >= pageTokens) {
      throw new IndexOutOfBoundsException("token " + token + " of a page of " + pageTokens);
    }
    long at = NativeMemory.bytes(page, 0, pageBytes());
    int keyCount = kvHeads * keyLength;
    int valueCount = kvHeads * valueLength;
    long k = NativeMemory.floats(keys, keysOffset, keyCount);
    long v = NativeMemory.floats(values, valuesOffset, valueCount);
    HalfFloats.store(k, at + token * keyRowBytes(), keyCount, half);
    HalfFloats.store(v, at + valuesOffset() + token * valueRowBytes(), valueCount, half);
  }
}
