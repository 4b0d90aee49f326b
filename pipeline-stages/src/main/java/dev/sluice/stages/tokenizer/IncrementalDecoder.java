package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Turns tokens into text one at a time, holding back a character until all its bytes have come.
 * Bytes that cannot become UTF-8 come out as U+FFFD, exactly as in a decode of the whole. For one
 * thread; made by {@link Tokenizer#decoder()}.
 */
public final class IncrementalDecoder {
  private static final byte[] NONE = {};

  private final Tokenizer tokenizer;
  private boolean atStart;
  private byte[] held = NONE;

  /**
   * A decoder over any tokenizer's {@link Tokenizer#bytes}.
   *
   * @param atStart whether the first token begins a text, see {@link Tokenizer#firstBytes}
   */
  public IncrementalDecoder(Tokenizer tokenizer, boolean atStart) {
    this.tokenizer = tokenizer;
    this.atStart = atStart;
  }

  /**
   * The text that has become whole with this token; empty where none has.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary
   */
  public String accept(int id) {
    byte[] bytes = tokenizer.bytes(id);
    if (bytes.length == 0) {
      return "";
    }
    if (atStart) {
      atStart = false;
      bytes = tokenizer.firstBytes(id);
    }
    if (held.length > 0) {
      byte[] joined = Arrays.copyOf(held, held.length + bytes.length);
      System.arraycopy(bytes, 0, joined, held.length, bytes.length);
      bytes = joined;
    }
    int whole = bytes.length - Utf8.unfinished(bytes, bytes.length);
    held = whole == bytes.length ? NONE : Arrays.copyOfRange(bytes, whole, bytes.length);
    return new String(bytes, 0, whole, StandardCharsets.UTF_8);
  }

  /** Whether the tokens so far end inside a character. */
  public boolean isPending() {
    return held.length > 0;
  }

  /** The text of what is still held back, at the end: a part of a character comes out as U+FFFD. */
  public String finish() {
    String rest = new String(held, StandardCharsets.UTF_8);
    held = NONE;
    return rest;
  }
}
