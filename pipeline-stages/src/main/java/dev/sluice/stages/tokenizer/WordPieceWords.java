package dev.sluice.stages.tokenizer;

import java.text.Normalizer;
import java.util.Arrays;

/**
 * How BERT cuts a text into words: at white space, around punctuation and around Chinese
 * characters, of text that is cleaned, and lower-cased and stripped of accents where wanted.
 *
 * @param lowerCase whether letters become small
 * @param stripAccents whether accents are dropped
 */
record WordPieceWords(boolean lowerCase, boolean stripAccents) {

  /** Takes words. */
  interface Sink {
    /** Takes a word: the first code points of an array that is used again afterwards. */
    void word(int[] points, int length);
  }

  /** Cuts a part of a text. No word is empty. */
  void cut(String text, int from, int to, Sink sink) {
    int[] points = Utf8.codePoints(text, from, to);
    if (stripAccents) {
      String decomposed =
          Normalizer.normalize(new String(points, 0, points.length), Normalizer.Form.NFD);
      points = Utf8.codePoints(decomposed, 0, decomposed.length());
    }
    int[] word = new int[64];
    int length = 0;
    for (int point : points) {
      boolean space = CharClass.isSpace(point);
      if (!space && isDropped(point)) {
        continue;
      }
      boolean alone = !space && standsAlone(point);
      if ((space || alone) && length > 0) {
        sink.word(word, length);
        length = 0;
      }
      if (!space) {
        word = length == word.length ? Arrays.copyOf(word, 2 * length) : word;
        word[length++] = lowerCase ? Character.toLowerCase(point) : point;
      }
      if (alone) {
        sink.word(word, length);
        length = 0;
      }
    }
    if (length > 0) {
      sink.word(word, length);
    }
  }

  private boolean isDropped(int point) {
    int type = Character.getType(point);
    return point == 0
        || point == 0xFFFD
        || type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.PRIVATE_USE
        || (stripAccents && type == Character.NON_SPACING_MARK);
  }

  /** Punctuation, the symbols of ASCII, and Chinese characters are words of their own. */
  private static boolean standsAlone(int p) {
    return CharClass.is(p, CharClass.PUNCTUATION)
        || (p < 0x7F && CharClass.is(p, CharClass.SYMBOL))
        || CharClass.within(p, 0x4E00, 0x9FFF)
        || CharClass.within(p, 0x3400, 0x4DBF)
        || CharClass.within(p, 0x20000, 0x2A6DF)
        || CharClass.within(p, 0x2A700, 0x2B81F)
        || CharClass.within(p, 0x2B920, 0x2CEAF)
        || CharClass.within(p, 0xF900, 0xFAFF)
        || CharClass.within(p, 0x2F800, 0x2FA1F);
  }
}
