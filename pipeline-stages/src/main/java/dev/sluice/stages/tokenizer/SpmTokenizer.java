package dev.sluice.stages.tokenizer;

/**
 * SentencePiece's BPE: spaces are written as U+2581, characters are joined to tokens, the one with
 * the highest score first, and what is no token in the end becomes the tokens of its bytes.
 *
 * @see <a href="https://arxiv.org/abs/1808.06226">Kudo and Richardson: SentencePiece</a>
 */
final class SpmTokenizer extends VocabularyTokenizer {
  private final float[] scores;
  private final boolean addSpace;
  private final boolean removeExtraSpaces;
  private final int[] byteTokens = new int[256];

  /**
   * @param scores one a token
   * @param addSpace whether a space goes in front of a text
   * @param removeExtraSpaces whether runs of spaces become one, and none stay at the ends
   */
  SpmTokenizer(
      Vocabulary vocabulary,
      SpecialIds special,
      float[] scores,
      boolean addSpace,
      boolean removeExtraSpaces) {
    super(vocabulary, special);
    this.scores = scores;
    this.addSpace = addSpace;
    this.removeExtraSpaces = removeExtraSpaces;
    for (int b = 0; b < byteTokens.length; b++) {
      byte[] piece = ByteTokens.piece(b);
      int id = vocabulary.find(piece, 0, piece.length);
      byte[] plain = {(byte) b};
      byteTokens[b] = id == Vocabulary.NONE ? vocabulary.find(plain, 0, 1) : id;
    }
  }

  @Override
  boolean addsSpace() {
    return addSpace;
  }

  @Override
  void encode(String text, int from, int to, boolean afterToken, IntList ids) {
    String part = text.substring(from, to);
    if (removeExtraSpaces) {
      part = part.replaceAll(" {2,}", " ").strip();
    }
    int[] points = Utf8.codePoints(part, 0, part.length());
    byte[] bytes = new byte[Math.multiplyExact(points.length + 1, 4)];
    PairMerger merger = new PairMerger();
    int at = addSpace && afterToken ? symbol(' ', bytes, 0, merger) : 0;
    for (int point : points) {
      at = symbol(point, bytes, at, merger);
    }
    merger.merge(new Scores(bytes), at);
    for (int s = merger.first(); s >= 0; s = merger.next(s)) {
      add(merger.token(s), bytes, merger.start(s), merger.end(s), ids);
    }
  }

  /** Adds a character as a symbol; answers where its bytes end. */
  private int symbol(int point, byte[] bytes, int at, PairMerger merger) {
    int end = Utf8.write(point == ' ' ? SpaceEscape.CODE_POINT : point, bytes, at);
    merger.add(textToken(bytes, at, end), at);
    return end;
  }

  private void add(int token, byte[] bytes, int from, int to, IntList ids) {
    if (token != Vocabulary.NONE) {
      ids.add(token);
      return;
    }
    for (int i = from; i < to; i++) {
      int id = byteTokens[bytes[i] & 0xFF];
      if (id != Vocabulary.NONE) {
        ids.add(id);
      } else if (special().unknown() != Vocabulary.NONE) {
        ids.add(special().unknown());
        return;
      }
    }
  }

  /** The token that text becomes: control, unknown and byte tokens are written, but are no text. */
  private int textToken(byte[] bytes, int from, int to) {
    int id = vocabulary().find(bytes, from, to);
    if (id == Vocabulary.NONE) {
      return id;
    }
    byte type = vocabulary().type(id);
    boolean isText =
        type != TokenType.CONTROL && type != TokenType.UNKNOWN && type != TokenType.BYTE;
    return isText ? id : Vocabulary.NONE;
  }

  @Override
  byte[] textOf(int id) {
    return SpaceEscape.unescape(vocabulary().piece(id));
  }

  /** Pairs that are tokens, by score; a pair is its token. */
  private final class Scores implements PairMerger.Pairs {
    private final byte[] bytes;

    Scores(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int find(int left, int right, int from, int to) {
      return textToken(bytes, from, to);
    }

    @Override
    public int priority(int pair) {
      // Floats order as ints do, but for the sign; higher scores come first. 0f turns -0 into 0.
      int bits = Float.floatToIntBits(0f - scores[pair] + 0f);
      return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    }

    @Override
    public int token(int pair) {
      return pair;
    }
  }
}
