package dev.sluice.stages.grammar;

import dev.sluice.stages.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;

/** Tokens as listed: the first ends an answer, the second is a control token {@code <tool>}. */
final class ListTokenizer implements Tokenizer {
  static final int END = 0;
  static final int TOOL = 1;

  private final List<byte[]> tokens = new ArrayList<>();

  private ListTokenizer() {
    tokens.add(new byte[0]);
    tokens.add(new byte[0]);
  }

  /** These texts, numbered from 2 on. */
  static ListTokenizer of(String... texts) {
    ListTokenizer tokenizer = new ListTokenizer();
    for (String text : texts) {
      tokenizer.tokens.add(text.getBytes(StandardCharsets.UTF_8));
    }
    return tokenizer;
  }

  /** Every byte, then what chance makes of an alphabet, also parts of characters and doubles. */
  static ListTokenizer random(Random random, String alphabet, int count) {
    ListTokenizer tokenizer = new ListTokenizer();
    for (int b = 0; b < 256; b++) {
      tokenizer.tokens.add(new byte[] {(byte) b});
    }
    byte[] letters = alphabet.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < count; i++) {
      byte[] token = new byte[1 + random.nextInt(5)];
      int run = random.nextInt(letters.length);
      for (int j = 0; j < token.length; j++) {
        run = random.nextInt(3) == 0 ? random.nextInt(letters.length) : (run + 1) % letters.length;
        token[j] = letters[run];
      }
      tokenizer.tokens.add(token);
    }
    return tokenizer;
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    throw new UnsupportedOperationException("tokens only");
  }

  @Override
  public String decode(int[] ids, boolean special) {
    throw new UnsupportedOperationException("tokens only");
  }

  @Override
  public byte[] bytes(int id) {
    return tokens.get(id).clone();
  }

  @Override
  public String piece(int id) {
    return switch (id) {
      case END -> "</s>";
      case TOOL -> "<tool>";
      default -> new String(tokens.get(id), StandardCharsets.ISO_8859_1);
    };
  }

  @Override
  public int vocabularySize() {
    return tokens.size();
  }

  @Override
  public OptionalInt bos() {
    return OptionalInt.empty();
  }

  @Override
  public OptionalInt eos() {
    return OptionalInt.of(END);
  }

  @Override
  public int[] endOfGeneration() {
    return new int[] {END};
  }

  @Override
  public boolean isSpecial(int id) {
    return id == END || id == TOOL;
  }

  @Override
  public boolean addsBos() {
    return false;
  }
}
