package dev.sluice.stages.flow;

import dev.sluice.stages.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A vocabulary for tests: ids 0 to 255 are the bytes, 256 is the end of generation, 257 a control
 * token without text, and further ones are made as asked for.
 */
final class CharTokenizer implements Tokenizer {
  static final int END = 256;
  static final int SILENT = 257;

  private final List<byte[]> pieces = new ArrayList<>();
  private final Map<String, Integer> known = new HashMap<>();

  CharTokenizer() {
    for (int i = 0; i < 256; i++) {
      pieces.add(new byte[] {(byte) i});
    }
    pieces.add(new byte[0]);
    pieces.add(new byte[0]);
  }

  /** The token with these bytes, made if there is none. */
  int token(byte[] bytes) {
    return known.computeIfAbsent(
        new String(bytes, StandardCharsets.ISO_8859_1),
        _ -> {
          pieces.add(bytes);
          return pieces.size() - 1;
        });
  }

  int token(String text) {
    return token(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = bytes[i] & 0xff;
    }
    return ids;
  }

  @Override
  public String decode(int[] ids, boolean special) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      bytes.writeBytes(bytes(id));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] bytes(int id) {
    return pieces.get(id).clone();
  }

  @Override
  public String piece(int id) {
    return new String(bytes(id), StandardCharsets.ISO_8859_1);
  }

  @Override
  public int vocabularySize() {
    return pieces.size();
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
    return id == END || id == SILENT;
  }

  @Override
  public boolean addsBos() {
    return false;
  }
}
