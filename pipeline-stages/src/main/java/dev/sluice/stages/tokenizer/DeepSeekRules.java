package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/** The expressions of DeepSeek's vocabularies. */
final class DeepSeekRules {
  /** {@code [\r\n]}. */
  static final SplitRule EACH_LINE_END =
      (text, from, to) -> CharClass.isNewline(text[from]) ? from + 1 : ~(from + 1);

  /** White space and letters that the vocabulary's list has. */
  static final SplitRule LISTED_LETTERS = GptRules.runsAfterSpace(DeepSeekRules::isListedLetter);

  /** White space and letters. */
  static final SplitRule LETTERS = GptRules.runsAfterSpace(CharClass::isLetter);

  /** White space and ASCII, full-width and quoting punctuation: what letters have left of it. */
  static final SplitRule LISTED_PUNCTUATION =
      GptRules.runsAfterSpace(DeepSeekRules::isListedPunctuation);

  /** White space and punctuation. */
  static final SplitRule PUNCTUATION =
      GptRules.runsAfterSpace(point -> CharClass.is(point, CharClass.PUNCTUATION));

  /** White space at the end of the text. */
  static final SplitRule SPACES_AT_END =
      (text, from, to) -> {
        int end = from;
        while (end < to && CharClass.isSpace(text[end])) {
          end++;
        }
        return end == to ? end : ~Math.max(end, from + 1);
      };

  /** Scripts from Samaritan to Han, and Hangul. */
  static final SplitRule EASTERN =
      GptRules.runs(p -> CharClass.within(p, 0x800, 0x9FA5) || CharClass.within(p, 0xAC00, 0xD7FF));

  /** Up to three numbers. */
  static final SplitRule THREE_NUMBERS =
      (text, from, to) -> {
        int end = WordRule.run(text, from, Math.min(to, from + 3), CharClass.NUMBER);
        return end > from ? end : ~(from + 1);
      };

  /** Han and Kana. */
  static final SplitRule HAN_AND_KANA =
      GptRules.runs(
          p -> CharClass.within(p, 0x4E00, 0x9FA5) || CharClass.within(p, 0x3040, 0x30FF));

  /** What the third version has for all else. */
  static final SplitRule V3_WORDS = DeepSeekRules::v3Words;

  /** First and last of each range of letters: those with case in the scripts it was trained on. */
  private static final int[] LISTED = {
    0x41, 0x5A, 0x61, 0x7A, 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x1BA, 0x1BC, 0x1BF, 0x1C4,
    0x293, 0x295, 0x2AF, 0x370, 0x373, 0x376, 0x377, 0x37B, 0x37D, 0x37F, 0x37F, 0x386, 0x386,
    0x388, 0x38A, 0x38C, 0x38C, 0x38E, 0x3A1, 0x3A3, 0x3F5, 0x3F7, 0x481, 0x48A, 0x52F, 0x531,
    0x556, 0x10A0, 0x10C5, 0x13A0, 0x13F5, 0x13F8, 0x13FD, 0x1C90, 0x1CBA, 0x1CBD, 0x1CBF, 0x1D00,
    0x1D2B, 0x1D6B, 0x1D77, 0x1D79, 0x1D9A, 0x1E00, 0x1F15, 0x1F18, 0x1F1D, 0x1F20, 0x1F45, 0x1F48,
    0x1F4D, 0x1F50, 0x1F57, 0x1F59, 0x1F59, 0x1F5B, 0x1F5B, 0x1F5D, 0x1F5D, 0x1F5F, 0x1F7D, 0x1F80,
    0x1FB4, 0x1FB6, 0x1FBC, 0x1FBE, 0x1FBE, 0x1FC2, 0x1FC4, 0x1FC6, 0x1FCC, 0x1FD0, 0x1FD3, 0x1FD6,
    0x1FDB, 0x1FE0, 0x1FEC, 0x1FF2, 0x1FF4, 0x1FF6, 0x1FFC, 0x2102, 0x2102, 0x2107, 0x2107, 0x210A,
    0x2113, 0x2115, 0x2115, 0x2119, 0x211D, 0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212A,
    0x212D, 0x212F, 0x2134, 0x2139, 0x2139, 0x213C, 0x213F, 0x2145, 0x2149, 0x214E, 0x214E, 0x2183,
    0x2184, 0x2C00, 0x2C7B, 0x2C7E, 0x2CE4, 0x2CEB, 0x2CEE, 0x2CF2, 0x2CF3, 0xA640, 0xA66D, 0xA680,
    0xA69B, 0xA722, 0xA76F, 0xA771, 0xA787, 0xA78B, 0xA78E, 0xAB70, 0xABBF, 0xFB00, 0xFB06, 0xFB13,
    0xFB17, 0xFF21, 0xFF3A, 0xFF41, 0xFF5A, 0x10400, 0x1044F, 0x104B0, 0x104D3, 0x104D8, 0x104FB,
    0x10C80, 0x10CB2, 0x10CC0, 0x10CF2, 0x118A0, 0x118DF, 0x1E900, 0x1E943
  };

  private DeepSeekRules() {}

  private static boolean isListedLetter(int point) {
    int at = Arrays.binarySearch(LISTED, point);
    // Found: a first or a last. Not found: inside a range if an odd number of bounds is below.
    return at >= 0 || (~at & 1) == 1;
  }

  private static boolean isListedPunctuation(int p) {
    return CharClass.within(p, '!', '/')
        || CharClass.within(p, ':', '~')
        || CharClass.within(p, 0xFF01, 0xFF0F)
        || CharClass.within(p, 0xFF1A, 0xFF5E)
        || CharClass.within(p, 0x2018, 0x201F)
        || CharClass.within(p, 0x3000, 0x3002);
  }

  /**
   * ASCII punctuation and ASCII letters; a character, letters and marks; a space, punctuation and
   * symbols, line ends; white space. Numbers and what has no class are gaps.
   */
  private static int v3Words(int[] text, int from, int to) {
    int first = text[from];
    if (isAsciiPunctuation(first) && from + 1 < to && isAsciiLetter(text[from + 1])) {
      int end = from + 1;
      while (end < to && isAsciiLetter(text[end])) {
        end++;
      }
      return end;
    }
    int letters = CharClass.LETTER | CharClass.MARK;
    int symbols = CharClass.PUNCTUATION | CharClass.SYMBOL;
    boolean lead = !CharClass.isNewline(first) && !CharClass.is(first, CharClass.LETTER | symbols);
    int at = lead && from + 1 < to && CharClass.is(text[from + 1], letters) ? from + 1 : from;
    int end = WordRule.run(text, at, to, letters);
    if (end > at) {
      return end;
    }
    at = first == ' ' ? from + 1 : from;
    end = WordRule.run(text, at, to, symbols);
    if (end > at) {
      while (end < to && CharClass.isNewline(text[end])) {
        end++;
      }
      return end;
    }
    end = WordRule.lines(text, from, to);
    if (end == from) {
      end = GptRules.spaces(text, from, to);
    }
    return end > from ? end : ~(from + 1);
  }

  private static boolean isAsciiPunctuation(int point) {
    return point < 0x80 && CharClass.is(point, CharClass.PUNCTUATION | CharClass.SYMBOL);
  }

  private static boolean isAsciiLetter(int point) {
    return CharClass.within(point, 'A', 'Z') || CharClass.within(point, 'a', 'z');
  }
}
