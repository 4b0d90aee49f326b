package dev.sluice.stages.tokenizer;

/**
 * The expressions that came with cl100k and o200k: words with one character before them, numbers of
 * a few digits, other characters with the line ends behind them, line ends with the white space
 * before them, white space. Their variants differ in the fields.
 *
 * @param contractions whether English contractions, in any case, come before all else
 * @param words what words are
 * @param digits how many digits a number has at most
 * @param behindOthers which characters join others before them: line ends, mostly
 */
record WordRule(boolean contractions, Words words, int digits, String behindOthers)
    implements SplitRule {

  /** What a word is. */
  enum Words {
    /** Letters. */
    LETTERS,
    /** Letters and marks. */
    LETTERS_AND_MARKS,
    /** A part without lower case, then one without upper case: Tekken. */
    CASED,
    /** As {@link #CASED}, and an English contraction behind it: GPT-4o. */
    CASED_WITH_CONTRACTION
  }

  static final SplitRule LLAMA3 = new WordRule(true, Words.LETTERS, 3, "\r\n");
  static final SplitRule QWEN2 = new WordRule(true, Words.LETTERS, 1, "\r\n");
  static final SplitRule QWEN35 = new WordRule(true, Words.LETTERS_AND_MARKS, 1, "\r\n");
  static final SplitRule SEED_CODER = new WordRule(true, Words.LETTERS, 1, "");
  static final SplitRule TEKKEN = new WordRule(false, Words.CASED, 1, "\r\n/");
  static final SplitRule GPT_4O = new WordRule(false, Words.CASED_WITH_CONTRACTION, 3, "\r\n/");

  @Override
  public int match(int[] text, int from, int to) {
    int end = contractions ? GptRules.contraction(text, from, to, true) : from;
    if (end == from) {
      end = word(text, from, to);
    }
    if (end == from) {
      end = number(text, from, to);
    }
    if (end == from) {
      end = others(text, from, to);
    }
    if (end == from) {
      end = lines(text, from, to);
    }
    return end > from ? end : GptRules.spaces(text, from, to);
  }

  /** The end of a word, perhaps with one character before it, or {@code from}. */
  private int word(int[] text, int from, int to) {
    int first = text[from];
    boolean lead =
        !CharClass.isNewline(first)
            && !CharClass.is(first, CharClass.LETTER | CharClass.NUMBER)
            && from + 1 < to;
    return switch (words) {
      case LETTERS -> letters(text, from, to, lead, CharClass.LETTER);
      case LETTERS_AND_MARKS -> letters(text, from, to, lead, CharClass.LETTER | CharClass.MARK);
      case CASED -> cased(text, from, to, lead);
      case CASED_WITH_CONTRACTION -> {
        int end = cased(text, from, to, lead);
        yield end > from ? GptRules.contraction(text, end, to, true) : end;
      }
    };
  }

  private static int letters(int[] text, int from, int to, boolean lead, int classes) {
    int at = lead && CharClass.is(text[from + 1], classes) ? from + 1 : from;
    int end = run(text, at, to, classes);
    return end > at ? end : from;
  }

  /**
   * The four ways to read a word, in the expression's order: with lower case at its end, then
   * without; with a character before it, then without. That character may be a mark, which may also
   * be part of the word.
   */
  private static int cased(int[] text, int from, int to, boolean lead) {
    int end = lead ? mixed(text, from + 1, to) : from;
    end = end > from ? end : mixed(text, from, to);
    if (end > from) {
      return end;
    }
    int at = lead && CharClass.is(text[from + 1], CharClass.UPPER) ? from + 1 : from;
    end = run(text, at, to, CharClass.UPPER);
    return end > at ? run(text, end, to, CharClass.LOWER) : from;
  }

  /**
   * The longest run of upper case that lower case follows, and that lower case; or -1. Marks and
   * letters without case count as both, so the upper part gives one of them back where no lower
   * case is behind it, as a greedy expression does.
   */
  private static int mixed(int[] text, int from, int to) {
    int upper = run(text, from, to, CharClass.UPPER);
    int end = run(text, upper, to, CharClass.LOWER);
    if (end > upper) {
      return end;
    }
    for (int last = upper - 1; last >= from; last--) {
      if (CharClass.is(text[last], CharClass.LOWER)) {
        return last + 1;
      }
    }
    return -1;
  }

  private int number(int[] text, int from, int to) {
    return run(text, from, Math.min(to, from + digits), CharClass.NUMBER);
  }

  /** A space, if there is one, and characters that are none of the others. */
  private int others(int[] text, int from, int to) {
    int at = text[from] == ' ' ? from + 1 : from;
    int end = at;
    while (end < to && isOther(text[end])) {
      end++;
    }
    if (end == at) {
      return from;
    }
    while (end < to && text[end] < 0x80 && behindOthers.indexOf(text[end]) >= 0) {
      end++;
    }
    return end;
  }

  private boolean isOther(int point) {
    return GptRules.isOther(point)
        && !(words == Words.LETTERS_AND_MARKS && CharClass.is(point, CharClass.MARK));
  }

  /** White space up to its last line end, or {@code from} where it has none. */
  static int lines(int[] text, int from, int to) {
    int end = from;
    for (int i = from; i < to && CharClass.isSpace(text[i]); i++) {
      if (CharClass.isNewline(text[i])) {
        end = i + 1;
      }
    }
    return end;
  }

  static int run(int[] text, int from, int to, int classes) {
    int end = from;
    while (end < to && CharClass.is(text[end], classes)) {
      end++;
    }
    return end;
  }
}
