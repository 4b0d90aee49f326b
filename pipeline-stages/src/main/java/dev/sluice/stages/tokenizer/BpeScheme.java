package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Byte-level BPE: the 256 bytes first, pairs by how often they are there, within pieces. */
final class BpeScheme implements LearningScheme {
  private final String name;
  private final PreTokenizer preTokenizer;
  private byte[] piece = new byte[256];

  BpeScheme(TokenizerOptions options) {
    name = options.preTokenizer();
    preTokenizer = PreTokenizer.named(name).orElseThrow();
  }

  @Override
  public void count(String text, PieceCounts pieces) {
    int[] points = Utf8.codePoints(text, 0, text.length());
    IntList ends = preTokenizer.split(points);
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
      pieces.add(piece, length);
      start = end;
    }
  }

  @Override
  public Speller begin(PieceCounts pieces, VocabularyDraft draft) {
    final int first = draft.size();
    byte[] letter = new byte[2];
    for (int b = 0; b < 256; b++) {
      int length = ByteAlphabet.write((byte) b, letter, 0);
      draft.add(new String(letter, 0, length, StandardCharsets.UTF_8), TokenType.NORMAL);
    }
    return (bytes, from, to, symbols) -> {
      for (int i = from; i < to; i++) {
        symbols.add(first + (bytes[i] & 0xFF));
      }
    };
  }

  @Override
  public VocabularyLearner.Gain gain() {
    return VocabularyLearner.Gain.COUNT;
  }

  @Override
  public void write(GgufWriter file, VocabularyDraft draft, List<VocabularyLearner.Merge> merges) {
    file.string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", name)
        .strings(
            "tokenizer.ggml.merges",
            merges.stream()
                .map(m -> draft.token(m.left()) + " " + draft.token(m.right()))
                .toList());
  }
}
