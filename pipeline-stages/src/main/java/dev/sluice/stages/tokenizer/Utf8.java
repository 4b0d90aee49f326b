package dev.sluice.stages.tokenizer;

/** Where characters end in UTF-8. */
final class Utf8 {
  private Utf8() {}

  /**
   * How many bytes at the end begin a well-formed character but do not end it: 0 to 3. By the
   * Unicode standard's table 3-7, so that what is held back is what a decoder would replace by one
   * U+FFFD.
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

  /** How many bytes the character has that begins with this byte. */
  private static int lengthOf(int lead) {
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  }

  private static boolean secondFits(int lead, int second) {
    int low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    int high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
  }
}
