package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufWriter;
import java.util.List;

/** What is learnt differently for each kind of tokenizer. For one thread. */
sealed interface LearningScheme permits BpeScheme, SpmScheme, WordPieceScheme {

  /** The scheme for a kind of tokenizer. */
  static LearningScheme of(TokenizerOptions options) {
    return switch (options.type()) {
      case BPE -> new BpeScheme(options);
      case SPM -> new SpmScheme();
      case WORDPIECE -> new WordPieceScheme(options);
    };
  }

  /** How a piece is spelt in the tokens that are there before any is learnt. */
  interface Speller {
    /** Adds the symbols of a piece: ids, or {@link PairIndex#NONE} for what has none. */
    void spell(byte[] pieces, int from, int to, IntList symbols);
  }

  /** Counts the pieces of a text: tokens are learnt within them, never across. */
  void count(String text, PieceCounts pieces);

  /** Adds the tokens that are there before any is learnt. */
  Speller begin(PieceCounts pieces, VocabularyDraft draft);

  /** What a token must be worth. */
  VocabularyLearner.Gain gain();

  /** Writes the keys that this kind has beside tokens, types and the ids of special tokens. */
  void write(GgufWriter file, VocabularyDraft draft, List<VocabularyLearner.Merge> merges);
}
