package dev.sluice.stages.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Sets of characters as sequences of ranges of UTF-8 bytes. */
final class Utf8Sequences {
  /** The largest code points of one, two and three bytes. */
  private static final int[] LENGTH_ENDS = {0x7F, 0x7FF, 0xFFFF};

  /** From low to high, both included. */
  record Bytes(int low, int high) {}

  private final List<List<Bytes>> sequences = new ArrayList<>();

  private Utf8Sequences() {}

  /** Sequences that together match the encodings of these characters, and nothing else. */
  static List<List<Bytes>> of(CodePoints set) {
    Utf8Sequences result = new Utf8Sequences();
    for (CodePoints.Range range : set.ranges()) {
      result.add(range.first(), range.last());
    }
    return result.sequences;
  }

  /**
   * Splits a range until first and last differ, from some byte on, in all that this byte and those
   * behind it can be: then a range for each byte says it.
   */
  private void add(int first, int last) {
    for (int end : LENGTH_ENDS) {
      if (first <= end && end < last) {
        add(first, end);
        add(end + 1, last);
        return;
      }
    }
    byte[] low = utf8(first);
    byte[] high = utf8(last);
    for (int i = 1; i < low.length; i++) {
      int mask = (1 << (6 * i)) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        if ((first & mask) != 0) {
          add(first, first | mask);
          add((first | mask) + 1, last);
          return;
        }
        if ((last & mask) != mask) {
          add(first, (last & ~mask) - 1);
          add(last & ~mask, last);
          return;
        }
      }
    }
    List<Bytes> sequence = new ArrayList<>(low.length);
    for (int i = 0; i < low.length; i++) {
      sequence.add(new Bytes(low[i] & 0xFF, high[i] & 0xFF));
    }
    sequences.add(sequence);
  }

  private static byte[] utf8(int codePoint) {
    return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
  }
}
