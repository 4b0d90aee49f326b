package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/** Code points and UTF-8. */
final class Utf8 {
  private static final int REPLACEMENT = 0xFFFD;

  private Utf8() {}

  /** The code points of a part of a text; a surrogate without its other half is U+FFFD. */
  static int[] codePoints(String text, int from, int to) {
    int[] points = new int[to - from];
    int length = 0;
    for (int i = from; i < to; i++) {
      int point = text.charAt(i);
      if (Character.isHighSurrogate((char) point)
          && i + 1 < to
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        point = Character.toCodePoint((char) point, text.charAt(++i));
      } else if (Character.isSurrogate((char) point)) {
        point = REPLACEMENT;
      }
      points[length++] = point;
    }
    return length == points.length ? points : Arrays.copyOf(points, length);
  }

  /** Writes a code point, one to four bytes; answers where it ends. */
  static int write(int point, byte[] to, int at) {
    if (point < 0x80) {
      to[at] = (byte) point;
      return at + 1;
    }
    if (point < 0x800) {
      to[at] = (byte) (0xC0 | point >> 6);
      to[at + 1] = trail(point);
      return at + 2;
    }
    if (point < 0x10000) {
      to[at] = (byte) (0xE0 | point >> 12);
      to[at + 1] = trail(point >> 6);
      to[at + 2] = trail(point);
      return at + 3;
    }
    to[at] = (byte) (0xF0 | point >> 18);
    to[at + 1] = trail(point >> 12);
    to[at + 2] = trail(point >> 6);
    to[at + 3] = trail(point);
    return at + 4;
  }

  /**
   * How many bytes at the end begin a character but do not end it: 0 to 3. By the Unicode
   * standard's table 3-7, but for surrogates, which are no characters: the JDK's decoder makes one
   * U+FFFD of all three bytes, so they are kept together too.
   */
  static int unfinished(byte[] bytes, int length) {
    for (int back = 1; back <= Math.min(3, length); back++) {
      int lead = bytes[length - back] & 0xFF;
      if (lead >= 0xC2 && lead <= 0xF4) {
        int second = back > 1 ? bytes[length - back + 1] & 0xFF : -1;
        return back < lengthOf(lead) && (second < 0 || secondFits(lead, second)) ? back : 0;
      }
      if (lead < 0x80 || lead >= 0xC0) {
        return 0;
      }
    }
    return 0;
  }

  /** The byte behind the first that holds the lowest six bits. */
  static byte trail(int bits) {
    return (byte) (0x80 | (bits & 0x3F));
  }

  /** How many bytes the character has that begins with this byte. */
  private static int lengthOf(int lead) {
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  }

  private static boolean secondFits(int lead, int second) {
    int low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    int high = lead == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
  }
}
