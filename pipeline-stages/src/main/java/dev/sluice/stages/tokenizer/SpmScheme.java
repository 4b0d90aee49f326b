package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * SentencePiece's BPE: spaces are the letter U+2581, and raw text is cut nowhere but in front of
 * them. Characters that are rare have no token; they are written in the 256 tokens of bytes. A
 * token's score is the higher the earlier it was learnt; single characters come last.
 *
 * @see <a href="https://arxiv.org/abs/1808.06226">Kudo and Richardson: SentencePiece</a>
 */
final class SpmScheme implements LearningScheme {
  /** The part of all text whose characters have tokens, as SentencePiece has it. */
  private static final double COVERAGE = 0.9995;

  private byte[] piece = new byte[256];
  private int firstCharacter;
  private int firstLearnt;

  @Override
  public void count(String text, PieceCounts pieces) {
    if (text.isEmpty()) {
      return;
    }
    // Encoding puts a space in front of a text, too.
    int[] points = Utf8.codePoints(" " + text, 0, text.length() + 1);
    int length = 0;
    for (int i = 0; i < points.length; i++) {
      if (i > 0 && isCut(points, i)) {
        pieces.add(piece, length);
        length = 0;
      }
      if (piece.length - length < 4) {
        piece = Arrays.copyOf(piece, Math.multiplyExact(piece.length, 2));
      }
      length = Utf8.write(points[i] == ' ' ? SpaceEscape.CODE_POINT : points[i], piece, length);
    }
    pieces.add(piece, length);
  }

  /** In front of spaces, and in front of the last of them, which goes with the word behind. */
  private static boolean isCut(int[] points, int at) {
    return points[at] == ' '
        && (points[at - 1] != ' ' || (at + 1 < points.length && points[at + 1] != ' '));
  }

  @Override
  public Speller begin(PieceCounts pieces, VocabularyDraft draft) {
    for (int b = 0; b < 256; b++) {
      draft.add(new String(ByteTokens.piece(b), StandardCharsets.US_ASCII), TokenType.BYTE);
    }
    firstCharacter = draft.size();
    Map<Integer, Integer> idOfPoint = new HashMap<>();
    for (int point : Alphabet.of(pieces).covering(COVERAGE)) {
      idOfPoint.put(point, draft.add(Character.toString(point), TokenType.NORMAL));
    }
    firstLearnt = draft.size();
    return (bytes, from, to, symbols) -> {
      for (int point : Alphabet.points(bytes, from, to)) {
        symbols.add(idOfPoint.getOrDefault(point, PairIndex.NONE));
      }
    };
  }

  @Override
  public VocabularyLearner.Gain gain() {
    return VocabularyLearner.Gain.COUNT;
  }

  @Override
  public void write(GgufWriter file, VocabularyDraft draft, List<VocabularyLearner.Merge> merges) {
    float[] scores = new float[draft.size()];
    for (int id = firstCharacter; id < scores.length; id++) {
      int rank =
          id >= firstLearnt ? id - firstLearnt : scores.length - firstLearnt + id - firstCharacter;
      scores[id] = -rank;
    }
    file.string("tokenizer.ggml.model", "llama")
        .float32s("tokenizer.ggml.scores", scores)
        .bool("tokenizer.ggml.add_space_prefix", true)
        .bool("tokenizer.ggml.remove_extra_whitespaces", false);
  }
}
