package dev.sluice.stages.tokenizer;

/**
 * Byte-level BPE: the text is cut by a {@link PreTokenizer}, and in each piece bytes are joined by
 * the earliest merge first. A byte that the vocabulary has no token for is left out, as it was when
 * the model was trained: some vocabularies lack control characters, or bytes that start no
 * character.
 *
 * @see <a href="https://arxiv.org/abs/1508.07909">Sennrich, Haddow and Birch</a>
 */
final class BpeTokenizer extends VocabularyTokenizer {
  private final PreTokenizer preTokenizer;
  private final MergeTable merges;
  private final int[] byteTokens = new int[256];

  BpeTokenizer(
      Vocabulary vocabulary, SpecialIds special, PreTokenizer preTokenizer, MergeTable merges) {
    super(vocabulary, special);
    this.preTokenizer = preTokenizer;
    this.merges = merges;
    byte[] letter = new byte[2];
    for (int b = 0; b < byteTokens.length; b++) {
      byteTokens[b] = vocabulary.find(letter, 0, ByteAlphabet.write((byte) b, letter, 0));
    }
  }

  @Override
  boolean addsSpace() {
    return false;
  }

  @Override
  void encode(String text, int from, int to, boolean afterToken, IntList ids) {
    int[] points = Utf8.codePoints(text, from, to);
    IntList ends = preTokenizer.split(points);
    PairMerger merger = new PairMerger();
    byte[] piece = new byte[256];
    int start = 0;
    for (int i = 0; i < ends.size(); i++) {
      int end = ends.get(i);
      if (piece.length < (end - start) * 4L) {
        piece = new byte[Math.multiplyExact(end - start, 4)];
      }
      int length = 0;
      for (int p = start; p < end; p++) {
        length = Utf8.write(points[p], piece, length);
      }
      encode(piece, length, merger, ids);
      start = end;
    }
  }

  private void encode(byte[] piece, int length, PairMerger merger, IntList ids) {
    if (preTokenizer.ignoreMerges()) {
      int whole = whole(piece, length);
      if (whole != Vocabulary.NONE) {
        ids.add(whole);
        return;
      }
    }
    merger.clear();
    for (int i = 0; i < length; i++) {
      merger.add(byteTokens[piece[i] & 0xFF], i);
    }
    merger.merge(merges, length);
    for (int s = merger.first(); s >= 0; s = merger.next(s)) {
      if (merger.token(s) != Vocabulary.NONE) {
        ids.add(merger.token(s));
      }
    }
  }

  /** The token that a piece is as a whole. */
  private int whole(byte[] piece, int length) {
    if (length > vocabulary().longest()) {
      return Vocabulary.NONE;
    }
    byte[] letters = new byte[2 * length];
    int end = 0;
    for (int i = 0; i < length; i++) {
      end = ByteAlphabet.write(piece[i], letters, end);
    }
    int id = vocabulary().find(letters, 0, end);
    return id != Vocabulary.NONE && vocabulary().type(id) == TokenType.NORMAL
        ? id
        : Vocabulary.NONE;
  }

  @Override
  byte[] textOf(int id) {
    return ByteAlphabet.decode(vocabulary().piece(id));
  }
}
