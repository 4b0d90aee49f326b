package dev.sluice.stages.tokenizer;

import java.text.Normalizer;
import java.util.Arrays;

/**
 * BERT's WordPiece: text is cleaned, lower-cased and stripped of accents, cut into words at white
 * space, around punctuation and around Chinese characters, and each word becomes the longest tokens
 * that fit from its start, or the unknown token where none fit. The vocabulary writes U+2581 in
 * front of what begins a word.
 *
 * @see <a href="https://arxiv.org/abs/1810.04805">Devlin and others: BERT</a>
 */
final class WordPieceTokenizer extends VocabularyTokenizer {
  private final boolean lowerCase;
  private final boolean stripAccents;

  WordPieceTokenizer(
      Vocabulary vocabulary, SpecialIds special, boolean lowerCase, boolean stripAccents) {
    super(vocabulary, special);
    this.lowerCase = lowerCase;
    this.stripAccents = stripAccents;
  }

  @Override
  boolean addsSpace() {
    return true;
  }

  @Override
  void encode(String text, int from, int to, boolean afterToken, IntList ids) {
    int[] points = Utf8.codePoints(text, from, to);
    if (stripAccents) {
      String decomposed =
          Normalizer.normalize(new String(points, 0, points.length), Normalizer.Form.NFD);
      points = Utf8.codePoints(decomposed, 0, decomposed.length());
    }
    int[] word = new int[64];
    int length = 0;
    for (int point : points) {
      if (CharClass.isSpace(point)) {
        word(word, length, ids);
        length = 0;
      } else if (!isDropped(point)) {
        int kept = lowerCase ? Character.toLowerCase(point) : point;
        if (standsAlone(point)) {
          word(word, length, ids);
          word[0] = kept;
          word(word, 1, ids);
          length = 0;
        } else {
          word = length == word.length ? Arrays.copyOf(word, 2 * length) : word;
          word[length++] = kept;
        }
      }
    }
    word(word, length, ids);
  }

  /** Adds the tokens of a word: the longest that fits, again and again; unknown if one does not. */
  private void word(int[] word, int length, IntList ids) {
    if (length == 0) {
      return;
    }
    byte[] bytes = new byte[4 * length + 3];
    int size = Utf8.write(SpaceEscape.CODE_POINT, bytes, 0);
    for (int i = 0; i < length; i++) {
      size = Utf8.write(word[i], bytes, size);
    }
    final int before = ids.size();
    int at = 0;
    while (at < size) {
      int end = Math.min(size, at + vocabulary().longest());
      int id = vocabulary().find(bytes, at, end);
      while (id == Vocabulary.NONE && end > at + 1) {
        id = vocabulary().find(bytes, at, --end);
      }
      if (id == Vocabulary.NONE) {
        ids.truncate(before);
        if (special().unknown() != Vocabulary.NONE) {
          ids.add(special().unknown());
        }
        return;
      }
      ids.add(id);
      at = end;
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

  @Override
  byte[] textOf(int id) {
    return SpaceEscape.unescape(vocabulary().piece(id));
  }
}
