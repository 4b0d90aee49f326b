package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * WordPiece: pairs by gain of likelihood, within words. Each character has two tokens, one that
 * begins a word and one within it; GGUF files write U+2581 in front of the first kind where BERT's
 * vocabularies write {@code ##} in front of the second. A word with a character that is too rare to
 * have tokens is unknown.
 */
final class WordPieceScheme implements LearningScheme {
  private static final WordPieceWords WORDS = new WordPieceWords(true, true);

  private final long minFrequency;
  private byte[] piece = new byte[256];

  WordPieceScheme(TokenizerOptions options) {
    minFrequency = options.minFrequency();
  }

  @Override
  public void count(String text, PieceCounts pieces) {
    WORDS.cut(
        text,
        0,
        text.length(),
        (word, length) -> {
          if (piece.length < length * 4L) {
            piece = new byte[Math.multiplyExact(length, 4)];
          }
          int end = 0;
          for (int i = 0; i < length; i++) {
            end = Utf8.write(word[i], piece, end);
          }
          pieces.add(piece, end);
        });
  }

  @Override
  public Speller begin(PieceCounts pieces, VocabularyDraft draft) {
    Map<Integer, Integer> beginning = new HashMap<>();
    Map<Integer, Integer> within = new HashMap<>();
    String space = Character.toString(SpaceEscape.CODE_POINT);
    for (int point : Alphabet.of(pieces).atLeast(minFrequency)) {
      String letter = Character.toString(point);
      beginning.put(point, draft.add(space + letter, TokenType.NORMAL));
      within.put(point, draft.add(letter, TokenType.NORMAL));
    }
    return (bytes, from, to, symbols) -> {
      Map<Integer, Integer> ids = beginning;
      for (int point : Alphabet.points(bytes, from, to)) {
        symbols.add(ids.getOrDefault(point, PairIndex.NONE));
        ids = within;
      }
    };
  }

  @Override
  public VocabularyLearner.Gain gain() {
    return VocabularyLearner.Gain.LIKELIHOOD;
  }

  @Override
  public void write(GgufWriter file, VocabularyDraft draft, List<VocabularyLearner.Merge> merges) {
    file.string("tokenizer.ggml.model", "bert")
        .bool("tokenizer.ggml.normalizer.lowercase", WORDS.lowerCase())
        .bool("tokenizer.ggml.normalizer.strip_accents", WORDS.stripAccents());
  }
}
