package dev.sluice.stages.tokenizer;

import java.util.List;
import java.util.OptionalInt;

/** Decodes only: each id is a run of bytes. */
record BytesTokenizer(List<byte[]> runs) implements Tokenizer {

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    throw new UnsupportedOperationException(text);
  }

  @Override
  public String decode(int[] ids, boolean special) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte[] bytes(int id) {
    return runs.get(id).clone();
  }

  @Override
  public String piece(int id) {
    return Integer.toString(id);
  }

  @Override
  public int vocabularySize() {
    return runs.size();
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
