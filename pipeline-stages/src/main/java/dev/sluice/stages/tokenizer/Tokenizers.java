package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufMetadata;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.stages.tokenizer.MergeTable.BadMergeException;

/** Builds the kind of tokenizer that {@code tokenizer.ggml.model} names. */
final class Tokenizers {
  private static final String MODEL = "tokenizer.ggml.model";
  private static final String PRE = "tokenizer.ggml.pre";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String MERGES = "tokenizer.ggml.merges";

  private Tokenizers() {}

  static Tokenizer of(GgufMetadata metadata) {
    String model = metadata.string(MODEL);
    return switch (model) {
      case "llama" -> spm(metadata);
      case "gpt2" -> bpe(metadata);
      case "bert" -> wordPiece(metadata);
      case "no_vocab", "none" ->
          throw new ModelFileException(
              metadata.file(),
              MODEL + ": \"" + model + "\": the file has no vocabulary; give token ids, not text");
      default ->
          throw new ModelFileException(
              metadata.file(),
              MODEL
                  + ": \""
                  + model
                  + "\" is not supported; supported are llama (SentencePiece BPE), gpt2 (byte-level"
                  + " BPE) and bert (WordPiece)");
    };
  }

  private static Tokenizer spm(GgufMetadata metadata) {
    VocabularyReader reader = new VocabularyReader(metadata);
    float[] scores = metadata.findReals(SCORES).orElseGet(() -> new float[reader.size()]);
    if (scores.length != reader.size()) {
      throw reader.lengthsDiffer(SCORES, scores.length);
    }
    for (int id = 0; id < scores.length; id++) {
      if (Float.isNaN(scores[id])) {
        throw new ModelFileException(
            metadata.file(), SCORES + ": the score of token " + id + " is not a number");
      }
    }
    SpecialIds special = reader.special(new VocabularyReader.Defaults(1, 2, 0, true, false, false));
    return new SpmTokenizer(
        reader.vocabulary(),
        special,
        scores,
        metadata.bool("tokenizer.ggml.add_space_prefix", true),
        metadata.bool("tokenizer.ggml.remove_extra_whitespaces", false));
  }

  private static Tokenizer bpe(GgufMetadata metadata) {
    String name = metadata.findString(PRE).orElse("default");
    PreTokenizer preTokenizer =
        PreTokenizer.named(name)
            .orElseThrow(
                () ->
                    new ModelFileException(
                        metadata.file(),
                        PRE
                            + ": \""
                            + name
                            + "\" is not a known pre-tokenizer; known are "
                            + PreTokenizer.KNOWN));
    VocabularyReader reader = new VocabularyReader(metadata);
    SpecialIds special =
        reader.special(
            new VocabularyReader.Defaults(
                Vocabulary.NONE,
                Vocabulary.NONE,
                Vocabulary.NONE,
                preTokenizer.addBos(),
                false,
                false));
    Vocabulary vocabulary = reader.vocabulary();
    try {
      MergeTable merges = MergeTable.of(metadata.byteStrings(MERGES), vocabulary);
      return new BpeTokenizer(vocabulary, special, preTokenizer, merges);
    } catch (BadMergeException e) {
      throw new ModelFileException(metadata.file(), MERGES + ": " + e.getMessage(), e);
    }
  }

  private static Tokenizer wordPiece(GgufMetadata metadata) {
    VocabularyReader reader = new VocabularyReader(metadata);
    SpecialIds special =
        reader.special(new VocabularyReader.Defaults(101, 102, 100, true, true, true));
    boolean lowerCase = metadata.bool("tokenizer.ggml.normalizer.lowercase", true);
    boolean stripAccents = metadata.bool("tokenizer.ggml.normalizer.strip_accents", lowerCase);
    return new WordPieceTokenizer(
        reader.vocabulary(), special, new WordPieceWords(lowerCase, stripAccents));
  }
}
