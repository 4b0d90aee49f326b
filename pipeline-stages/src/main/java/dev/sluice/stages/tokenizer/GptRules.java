package dev.sluice.stages.tokenizer;

/** GPT-2's expression and the small ones that vocabularies of its kind put beside it. */
final class GptRules {
  /** What the whole of GPT-2's expression matches; it leaves no gaps. */
  static final SplitRule WORDS = GptRules::words;

  /** {@code \p{N}+}. */
  static final SplitRule NUMBERS = runs(CharClass::isNumber);

  /** {@code \p{N}}. */
  static final SplitRule EACH_NUMBER =
      (text, from, to) -> CharClass.isNumber(text[from]) ? from + 1 : ~(from + 1);

  /** {@code [0-9][0-9][0-9]}. */
  static final SplitRule THREE_DIGITS = GptRules::threeDigits;

  /** Punctuation and the symbols of ASCII: {@code [\p{P}$+<=>^~|]+}. */
  static final SplitRule PUNCTUATION = runs(p -> isPunctuation(p, "$+<=>^~|"));

  /** As {@link #PUNCTUATION}, and the grave accent. */
  static final SplitRule PUNCTUATION_AND_GRAVE = runs(p -> isPunctuation(p, "$+<=>^~|`"));

  /** {@code ?[^(\s|.,!?…。，、।۔،)]+}, of Bloom and its relatives. */
  static final SplitRule BLOOM =
      (text, from, to) -> {
        int at = text[from] == ' ' ? from + 1 : from;
        int end = at;
        while (end < to && !isBloomBreak(text[end])) {
          end++;
        }
        return end > at ? end : ~(from + 1);
      };

  private GptRules() {}

  /** A run of characters that one test holds for. */
  interface Test {
    boolean holds(int point);
  }

  static SplitRule runs(Test test) {
    return (text, from, to) -> {
      int end = runs(test, text, from, to);
      return end > from ? end : ~(from + 1);
    };
  }

  private static int runs(Test test, int[] text, int from, int to) {
    int end = from;
    while (end < to && test.holds(text[end])) {
      end++;
    }
    return end;
  }

  /** A run of characters that one test holds for, with one white space before it, if there is. */
  static SplitRule runsAfterSpace(Test test) {
    return (text, from, to) -> {
      int at = CharClass.isSpace(text[from]) ? from + 1 : from;
      int end = runs(test, text, at, to);
      if (end == at && at > from) {
        at = from;
        end = runs(test, text, at, to);
      }
      return end > at ? end : ~(from + 1);
    };
  }

  /**
   * Contractions; a space and letters; a space and numbers; a space and others; white space up to
   * the last before a word; white space.
   */
  private static int words(int[] text, int from, int to) {
    int contraction = contraction(text, from, to, false);
    if (contraction > from) {
      return contraction;
    }
    int at = text[from] == ' ' && from + 1 < to ? from + 1 : from;
    int point = text[at];
    if (CharClass.isSpace(point)) {
      return spaces(text, from, to);
    }
    int end = at + 1;
    if (CharClass.isLetter(point)) {
      while (end < to && CharClass.isLetter(text[end])) {
        end++;
      }
    } else if (CharClass.isNumber(point)) {
      while (end < to && CharClass.isNumber(text[end])) {
        end++;
      }
    } else {
      while (end < to && isOther(text[end])) {
        end++;
      }
    }
    return end;
  }

  /**
   * The end of an English contraction ({@code 's 't 're 've 'm 'll 'd}) that begins here, or {@code
   * from}.
   */
  static int contraction(int[] text, int from, int to, boolean anyCase) {
    if (from >= to || text[from] != '\'' || from + 1 >= to) {
      return from;
    }
    int first = anyCase ? lower(text[from + 1]) : text[from + 1];
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return from + 2;
    }
    if (from + 2 < to) {
      int second = anyCase ? lower(text[from + 2]) : text[from + 2];
      int wanted = first == 'r' || first == 'v' ? 'e' : first == 'l' ? 'l' : -1;
      return second == wanted ? from + 3 : from;
    }
    return from;
  }

  /** White space: all but the last where a word follows and there is more than one. */
  static int spaces(int[] text, int from, int to) {
    int end = from;
    while (end < to && CharClass.isSpace(text[end])) {
      end++;
    }
    return end < to && end - from > 1 ? end - 1 : end;
  }

  /** Neither white space nor letter nor number. */
  static boolean isOther(int point) {
    return !CharClass.is(point, CharClass.LETTER | CharClass.NUMBER) && !CharClass.isSpace(point);
  }

  private static int threeDigits(int[] text, int from, int to) {
    for (int i = from; i < from + 3; i++) {
      if (i >= to || text[i] < '0' || text[i] > '9') {
        return ~(i + 1);
      }
    }
    return from + 3;
  }

  private static boolean isPunctuation(int point, String more) {
    return CharClass.is(point, CharClass.PUNCTUATION) || (point < 0x80 && more.indexOf(point) >= 0);
  }

  private static boolean isBloomBreak(int point) {
    return CharClass.isSpace(point) || "(|.,!?…。，、।۔،)".indexOf(point) >= 0;
  }

  private static int lower(int point) {
    return CharClass.within(point, 'A', 'Z') ? point + ('a' - 'A') : point;
  }
}
