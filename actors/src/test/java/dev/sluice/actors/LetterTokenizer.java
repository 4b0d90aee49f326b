package dev.sluice.actors;

import dev.sluice.stages.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** Each token a character from '0' on, and none that ends a text. */
record LetterTokenizer(int vocabularySize) implements Tokenizer {
  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    return text.chars().map(c -> c - '0').toArray();
  }

  @Override
  public String decode(int[] ids, boolean special) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(piece(id));
    }
    return text.toString();
  }

  @Override
  public byte[] bytes(int id) {
    return piece(id).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public String piece(int id) {
    return Character.toString('0' + id);
  }

  @Override
  public OptionalInt bos() {
    return OptionalInt.empty();
  }

  @Override
  public OptionalInt eos() {
    return OptionalInt.empty();
  }

  @Override
  public int[] endOfGeneration() {
    return new int[0];
  }

  @Override
  public boolean isSpecial(int id) {
    return false;
  }

  @Override
  public boolean addsBos() {
    return false;
  }
}
