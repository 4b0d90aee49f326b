package dev.sluice.stages.tokenizer;

/**
 * BERT's WordPiece: text is cleaned, lower-cased and stripped of accents, cut into words at white
 * space, around punctuation and around Chinese characters, and each word becomes the longest tokens
 * that fit from its start, or the unknown token where none fit. The vocabulary writes U+2581 in
 * front of what begins a word.
 *
 * @see <a href="https://arxiv.org/abs/1810.04805">Devlin and others: BERT</a>
 */
final class WordPieceTokenizer extends VocabularyTokenizer {
  private final WordPieceWords words;

  WordPieceTokenizer(Vocabulary vocabulary, SpecialIds special, WordPieceWords words) {
    super(vocabulary, special);
    this.words = words;
  }

  @Override
  boolean addsSpace() {
    return true;
  }

  @Override
  void encode(String text, int from, int to, boolean afterToken, IntList ids) {
    words.cut(text, from, to, (word, length) -> word(word, length, ids));
  }

  /** Adds the tokens of a word: the longest that fits, again and again; unknown if one does not. */
  private void word(int[] word, int length, IntList ids) {
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

  @Override
  byte[] textOf(int id) {
    return SpaceEscape.unescape(vocabulary().piece(id));
  }
}
