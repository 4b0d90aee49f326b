package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufMetadata;
import java.util.OptionalInt;

/**
 * Turns text into token ids and back, as the vocabulary in a model file says.
 *
 * <p>Immutable and safe for any number of threads; a {@link IncrementalDecoder} made by it is for
 * one thread. Encoding takes time linear in the text, but for a logarithm, whatever the text.
 */
public interface Tokenizer {

  /**
   * The tokenizer that the metadata's {@code tokenizer.ggml.*} keys describe.
   *
   * @throws dev.sluice.model.gguf.ModelFileException where a key is missing, contradicts another,
   *     or names a kind of tokenizer that is not supported; the message names the key
   */
  static Tokenizer of(GgufMetadata metadata) {
    return Tokenizers.of(metadata);
  }

  /**
   * The ids of a text. A surrogate without its other half counts as U+FFFD.
   *
   * @param addSpecial whether to add what the model wants around a text (BOS, EOS, CLS, SEP), which
   *     the vocabulary decides; user text is encoded once with it
   * @param parseSpecial whether control tokens that are written out in the text ({@code </s>},
   *     {@code <|im_end|>}) become those tokens; false for text of users, true for rendered chat
   *     templates. Tokens that the vocabulary calls user-defined are found either way
   */
  int[] encode(String text, boolean addSpecial, boolean parseSpecial);

  /**
   * The text of ids from its start, control tokens left out, bytes that are not UTF-8 as U+FFFD,
   * and without the space that encoding put in front.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  default String decode(int[] ids) {
    return decode(ids, false);
  }

  /**
   * As {@link #decode(int[])}.
   *
   * @param special whether control tokens are shown as the vocabulary writes them
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  String decode(int[] ids, boolean special);

  /**
   * The bytes that a token adds to the text: UTF-8, perhaps only a part of a character; none for a
   * control token. The array is the caller's own.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  byte[] bytes(int id);

  /**
   * As {@link #bytes}, of a token that is the first of a text to add something: without the space
   * that encoding puts in front of a text, where the vocabulary has it do so.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  default byte[] firstBytes(int id) {
    return bytes(id);
  }

  /**
   * The token as the vocabulary writes it, escapes and all ({@code ▁the}, {@code Ġthe}, {@code
   * <0x0A>}).
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  String piece(int id);

  /** How many tokens there are; ids run from 0 to one less. */
  int vocabularySize();

  /** The token that begins a text, if the vocabulary has one, added by default or not. */
  OptionalInt bos();

  /** The token that ends a text, if the vocabulary has one. */
  OptionalInt eos();

  /**
   * Every token after which a model has said all: end of text, of turn, of message. Ascending. The
   * array is the caller's own.
   */
  int[] endOfGeneration();

  /**
   * Whether a token steers instead of adding text: control and unknown tokens.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  boolean isSpecial(int id);

  /** Whether encoding with {@code addSpecial} puts BOS (or CLS) in front. */
  boolean addsBos();

  /** A decoder for a text from its start: all that it gives together equals {@link #decode}. */
  default IncrementalDecoder decoder() {
    return new IncrementalDecoder(this, true);
  }

  /** A decoder for what follows other text: a space at the start is kept, since it is text. */
  default IncrementalDecoder continuationDecoder() {
    return new IncrementalDecoder(this, false);
  }
}
