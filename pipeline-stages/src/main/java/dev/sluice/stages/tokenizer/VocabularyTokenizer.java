package dev.sluice.stages.tokenizer;

import dev.sluice.stages.tokenizer.SpecialTokens.Match;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What all kinds of tokenizers share: finding written-out tokens, what goes around a text, and
 * turning ids back into text. A kind encodes the text between the tokens found.
 */
abstract sealed class VocabularyTokenizer implements Tokenizer
    permits BpeTokenizer, SpmTokenizer, WordPieceTokenizer {
  /** A text longer than this is refused: its arrays would take gigabytes. */
  static final int LONGEST_TEXT = 1 << 26;

  private static final byte[] NOTHING = {};

  private final Vocabulary vocabulary;
  private final SpecialIds special;
  private @Nullable SpecialTokens userDefined;
  private @Nullable SpecialTokens all;

  VocabularyTokenizer(Vocabulary vocabulary, SpecialIds special) {
    this.vocabulary = vocabulary;
    this.special = special;
  }

  /**
   * Adds the ids of text without written-out tokens.
   *
   * @param afterToken whether the text begins the whole text or stands behind a written-out token
   */
  abstract void encode(String text, int from, int to, boolean afterToken, IntList ids);

  /** The bytes that a token adds to the text that is neither control, unknown nor unused. */
  abstract byte[] textOf(int id);

  /** Whether encoding puts a space in front of a text. */
  abstract boolean addsSpace();

  final Vocabulary vocabulary() {
    return vocabulary;
  }

  final SpecialIds special() {
    return special;
  }

  @Override
  public final int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    if (text.length() > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          "The text has " + text.length() + " characters, the limit is " + LONGEST_TEXT);
    }
    IntList ids = new IntList(text.length() / 3 + 2);
    if (addSpecial && special.addBos()) {
      ids.add(special.bos());
    }
    SpecialTokens tokens = parseSpecial ? all() : userDefined();
    boolean afterToken = true;
    int from = 0;
    for (Match match = tokens.find(text, from); match != null; match = tokens.find(text, from)) {
      if (match.start() > from) {
        encode(text, from, match.start(), afterToken, ids);
      }
      ids.add(match.id());
      from = match.end();
      if (special.takesSpaceBehind().get(match.id())) {
        while (from < text.length() && CharClass.isSpace(text.charAt(from))) {
          from++;
        }
      }
      afterToken = true;
    }
    if (from < text.length()) {
      encode(text, from, text.length(), afterToken, ids);
    }
    if (addSpecial && special.addEos()) {
      ids.add(special.end());
    }
    return ids.toArray();
  }

  @Override
  public final String decode(int[] ids, boolean showSpecial) {
    byte[] text = new byte[Math.max(16, ids.length * 4)];
    int length = 0;
    boolean atStart = true;
    for (int id : ids) {
      byte[] bytes = showSpecial && isSpecial(id) ? vocabulary.piece(id) : bytes(id);
      if (atStart && bytes.length > 0) {
        atStart = false;
        bytes = isSpecial(id) ? bytes : firstBytes(id);
      }
      if (text.length - length < bytes.length) {
        text = Arrays.copyOf(text, Math.addExact(Math.multiplyExact(text.length, 2), bytes.length));
      }
      System.arraycopy(bytes, 0, text, length, bytes.length);
      length += bytes.length;
    }
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  @Override
  public final byte[] bytes(int id) {
    return switch (vocabulary.type(id)) {
      case TokenType.CONTROL, TokenType.UNKNOWN, TokenType.UNUSED -> NOTHING.clone();
      case TokenType.USER_DEFINED -> vocabulary.piece(id).clone();
      case TokenType.BYTE -> new byte[] {ByteTokens.value(vocabulary.piece(id))};
      default -> textOf(id);
    };
  }

  @Override
  public final byte[] firstBytes(int id) {
    byte[] bytes = bytes(id);
    boolean added =
        addsSpace()
            && bytes.length > 0
            && bytes[0] == ' '
            && vocabulary.type(id) != TokenType.USER_DEFINED;
    return added ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
  }

  @Override
  public final String piece(int id) {
    return new String(vocabulary.piece(id), StandardCharsets.UTF_8);
  }

  @Override
  public final int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public final OptionalInt bos() {
    return optional(special.bos());
  }

  @Override
  public final OptionalInt eos() {
    return optional(special.eos());
  }

  @Override
  public final int[] endOfGeneration() {
    return special.endOfGeneration().stream().toArray();
  }

  @Override
  public final boolean isSpecial(int id) {
    byte type = vocabulary.type(id);
    return type == TokenType.CONTROL || type == TokenType.UNKNOWN;
  }

  @Override
  public final boolean addsBos() {
    return special.addBos();
  }

  // Both are built when first asked for; two threads at once build the same twice.

  private SpecialTokens userDefined() {
    SpecialTokens tokens = userDefined;
    if (tokens == null) {
      tokens = new SpecialTokens(vocabulary, id -> vocabulary.type(id) == TokenType.USER_DEFINED);
      userDefined = tokens;
    }
    return tokens;
  }

  private SpecialTokens all() {
    SpecialTokens tokens = all;
    if (tokens == null) {
      tokens =
          new SpecialTokens(
              vocabulary, id -> isSpecial(id) || vocabulary.type(id) == TokenType.USER_DEFINED);
      all = tokens;
    }
    return tokens;
  }

  private static OptionalInt optional(int id) {
    return id == Vocabulary.NONE ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
