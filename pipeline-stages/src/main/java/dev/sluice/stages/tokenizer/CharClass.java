package dev.sluice.stages.tokenizer;

/**
 * The classes of characters that pre-tokenizers ask for, by Unicode's general categories in the
 * JDK's tables. A code point that those tables do not know yet counts as a symbol of no class, as
 * it did when a vocabulary older than it was trained.
 */
final class CharClass {
  static final int LETTER =
      bit(Character.UPPERCASE_LETTER)
          | bit(Character.LOWERCASE_LETTER)
          | bit(Character.TITLECASE_LETTER)
          | bit(Character.MODIFIER_LETTER)
          | bit(Character.OTHER_LETTER);
  static final int MARK =
      bit(Character.NON_SPACING_MARK)
          | bit(Character.ENCLOSING_MARK)
          | bit(Character.COMBINING_SPACING_MARK);
  static final int NUMBER =
      bit(Character.DECIMAL_DIGIT_NUMBER)
          | bit(Character.LETTER_NUMBER)
          | bit(Character.OTHER_NUMBER);
  static final int PUNCTUATION =
      bit(Character.CONNECTOR_PUNCTUATION)
          | bit(Character.DASH_PUNCTUATION)
          | bit(Character.START_PUNCTUATION)
          | bit(Character.END_PUNCTUATION)
          | bit(Character.INITIAL_QUOTE_PUNCTUATION)
          | bit(Character.FINAL_QUOTE_PUNCTUATION)
          | bit(Character.OTHER_PUNCTUATION);
  static final int SYMBOL =
      bit(Character.MATH_SYMBOL)
          | bit(Character.CURRENCY_SYMBOL)
          | bit(Character.MODIFIER_SYMBOL)
          | bit(Character.OTHER_SYMBOL);

  /** What may stand in the upper-case part at the start of a word: all letters and marks but Ll. */
  static final int UPPER = (LETTER | MARK) & ~bit(Character.LOWERCASE_LETTER);

  /** What may stand in the lower-case part of a word: all letters and marks but Lu and Lt. */
  static final int LOWER =
      (LETTER | MARK) & ~bit(Character.UPPERCASE_LETTER) & ~bit(Character.TITLECASE_LETTER);

  private CharClass() {}

  /** Whether a code point is of one of the classes. */
  static boolean is(int point, int classes) {
    return (classes >>> Character.getType(point) & 1) != 0;
  }

  static boolean isLetter(int point) {
    return is(point, LETTER);
  }

  static boolean isNumber(int point) {
    return is(point, NUMBER);
  }

  /** Unicode's White_Space, which differs from Java's by the spaces that do not break. */
  static boolean isSpace(int point) {
    if (point <= ' ') {
      return point == ' ' || within(point, '\t', '\r');
    }
    return point >= 0x85
        && (point == 0x85
            || point == 0xA0
            || point == 0x1680
            || within(point, 0x2000, 0x200A)
            || point == 0x2028
            || point == 0x2029
            || point == 0x202F
            || point == 0x205F
            || point == 0x3000);
  }

  static boolean isNewline(int point) {
    return point == '\r' || point == '\n';
  }

  /** Whether a code point is in a range, both ends included. */
  static boolean within(int point, int first, int last) {
    return point >= first && point <= last;
  }

  private static int bit(byte category) {
    return 1 << category;
  }
}
