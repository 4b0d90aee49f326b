package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * The alphabet of byte-level BPE (GPT-2): each byte is one printable character. Bytes that print in
 * Latin-1 are themselves; the other 68 are U+0100 and up, in order.
 */
final class ByteAlphabet {
  private static final int NOT_A_BYTE = -1;
  private static final int LETTERS = 256 + 68;
  private static final int[] LETTER_OF_BYTE = new int[256];
  private static final int[] BYTE_OF_LETTER = new int[LETTERS];

  static {
    Arrays.fill(BYTE_OF_LETTER, NOT_A_BYTE);
    int beyond = 256;
    for (int b = 0; b < 256; b++) {
      boolean prints = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
      int letter = prints ? b : beyond++;
      LETTER_OF_BYTE[b] = letter;
      BYTE_OF_LETTER[letter] = b;
    }
  }

  private ByteAlphabet() {}

  /** Writes the UTF-8 of a byte's letter, one or two bytes; answers where it ends. */
  static int write(byte value, byte[] to, int at) {
    int letter = LETTER_OF_BYTE[value & 0xFF];
    if (letter < 0x80) {
      to[at] = (byte) letter;
      return at + 1;
    }
    to[at] = (byte) (0xC0 | letter >> 6);
    to[at + 1] = Utf8.trail(letter);
    return at + 2;
  }

  /**
   * The bytes that letters stand for. A piece with another character than these letters stands for
   * itself, as added tokens do.
   */
  static byte[] decode(byte[] piece) {
    byte[] bytes = new byte[piece.length];
    int length = 0;
    for (int i = 0; i < piece.length; i++) {
      int letter = piece[i] & 0xFF;
      if (letter >= 0xC2 && letter <= 0xC5) {
        letter = i + 1 < piece.length ? ((letter & 0x1F) << 6) + (piece[++i] & 0x3F) : LETTERS;
      } else if (letter >= 0x80) {
        return piece.clone();
      }
      if (letter >= LETTERS || BYTE_OF_LETTER[letter] == NOT_A_BYTE) {
        return piece.clone();
      }
      bytes[length++] = (byte) BYTE_OF_LETTER[letter];
    }
    return Arrays.copyOf(bytes, length);
  }
}
