package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufWriter;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Learns a vocabulary from text: give it all texts, then {@link #learn}.
 *
 * <pre>{@code
 * TokenizerTrainer trainer =
 *     new TokenizerTrainer(TokenizerOptions.builder(TokenizerOptions.Type.BPE, 4096).build());
 * texts.forEach(trainer::add);
 * trainer.learn(tokens -> {}).write(file);
 * }</pre>
 *
 * <p>What is learnt depends on how often each distinct piece of text (a word, mostly) is there and
 * on nothing else: not on the order of texts, not on the machine. Memory and, but for reading, time
 * depend on the distinct pieces and not on the length of the text: 24 bytes for each symbol of
 * each, and some 64 for each distinct pair of symbols. For one thread.
 */
public final class TokenizerTrainer {
  private final TokenizerOptions options;
  private final LearningScheme scheme;
  private final PieceCounts pieces = new PieceCounts();

  /** A trainer that has seen no text. */
  public TokenizerTrainer(TokenizerOptions options) {
    this.options = options;
    scheme = LearningScheme.of(options);
  }

  /**
   * Learns from a text too.
   *
   * @throws TokenizerTrainingException where the distinct pieces of all texts are too many
   */
  public void add(String text) {
    scheme.count(text, pieces);
  }

  /** How many distinct pieces the texts have so far. */
  public int distinctPieces() {
    return pieces.size();
  }

  /** How many bytes {@link #learn} needs about, for the texts so far. */
  public long memoryBytes() {
    long bytes = pieces.size() == 0 ? 0 : pieces.end(pieces.size() - 1);
    return bytes * PairIndex.PLACE_BYTES + pieces.size() * 2L * Long.BYTES;
  }

  /**
   * Learns the vocabulary.
   *
   * @param progress is told how many tokens there are, after each
   * @return a file with the vocabulary only, which {@link Tokenizer#of} reads
   * @throws TokenizerTrainingException where there was no text, or the size is too small or too
   *     large for it; the message says what is possible
   */
  public GgufWriter learn(IntConsumer progress) {
    if (pieces.size() == 0) {
      throw new TokenizerTrainingException("there is no text to learn from");
    }
    VocabularyDraft draft = new VocabularyDraft();
    options
        .special()
        .forEach(
            token ->
                draft.add(
                    token,
                    token.equals(options.unknown()) ? TokenType.UNKNOWN : TokenType.CONTROL));
    LearningScheme.Speller speller = scheme.begin(pieces, draft);
    if (draft.size() > options.size()) {
      throw new TokenizerTrainingException(
          ("a vocabulary of %d tokens is too small: %d special tokens and %d for single bytes or"
                  + " characters make %d")
              .formatted(
                  options.size(),
                  options.special().size(),
                  draft.size() - options.special().size(),
                  draft.size()));
    }
    long[] symbolCounts = new long[options.size()];
    PairIndex index = index(speller, symbolCounts);
    VocabularyLearner learner =
        new VocabularyLearner(index, draft, symbolCounts, scheme.gain(), options.minFrequency());
    List<VocabularyLearner.Merge> merges = learner.learn(options.size(), progress);
    if (draft.size() < options.size()) {
      throw new TokenizerTrainingException(
          ("a vocabulary of %d tokens is too large for this text: with pairs that are there at"
                  + " least %d times it can have at most %d")
              .formatted(options.size(), options.minFrequency(), draft.size()));
    }
    return file(draft, merges);
  }

  private PairIndex index(LearningScheme.Speller speller, long[] symbolCounts) {
    long[] countOfPiece = new long[pieces.size()];
    IntList symbols = new IntList(64);
    long places = 0;
    for (int piece = 0; piece < pieces.size(); piece++) {
      countOfPiece[piece] = pieces.count(piece);
      spell(speller, piece, symbols);
      places += symbols.size();
      for (int i = 0; i < symbols.size(); i++) {
        if (symbols.get(i) >= 0) {
          symbolCounts[symbols.get(i)] += countOfPiece[piece];
        }
      }
    }
    if (places > PairIndex.MAX_PLACES) {
      throw new TokenizerTrainingException(
          "the distinct pieces of the text have %d symbols together, the limit is %d; give less text"
              .formatted(places, PairIndex.MAX_PLACES));
    }
    PairIndex index = new PairIndex(countOfPiece, (int) places);
    for (int piece = 0; piece < pieces.size(); piece++) {
      spell(speller, piece, symbols);
      index.add(piece, symbols);
    }
    return index;
  }

  private void spell(LearningScheme.Speller speller, int piece, IntList symbols) {
    symbols.clear();
    speller.spell(pieces.bytes(), pieces.start(piece), pieces.end(piece), symbols);
  }

  private GgufWriter file(VocabularyDraft draft, List<VocabularyLearner.Merge> merges) {
    // Other engines want an architecture even of a vocabulary alone.
    GgufWriter file = new GgufWriter().string("general.architecture", "llama");
    scheme.write(file, draft, merges);
    file.strings("tokenizer.ggml.tokens", draft.tokens())
        .int32s("tokenizer.ggml.token_type", draft.types());
    boolean bert = options.type() == TokenizerOptions.Type.WORDPIECE;
    id(file, draft, "bos_token_id", options.bos());
    id(file, draft, "eos_token_id", options.eos());
    id(file, draft, "unknown_token_id", options.unknown());
    id(file, draft, "padding_token_id", options.padding());
    if (bert) {
      id(file, draft, "cls_token_id", options.bos());
      // Misspelt since the first such file.
      id(file, draft, "seperator_token_id", options.eos());
    }
    file.bool("tokenizer.ggml.add_bos_token", options.bos() != null);
    file.bool("tokenizer.ggml.add_eos_token", false);
    if (options.chatTemplate() != null) {
      file.string("tokenizer.chat_template", options.chatTemplate());
    }
    return file;
  }

  private static void id(
      GgufWriter file, VocabularyDraft draft, String key, @Nullable String token) {
    if (token != null) {
      file.uint32("tokenizer.ggml." + key, draft.find(token));
    }
  }
}
