package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;

/** Tokens that stand for one byte: {@code <0x0A>}. */
final class ByteTokens {
  private static final int LENGTH = 6;

  private ByteTokens() {}

  /** How a byte's token is written. */
  static byte[] piece(int value) {
    return String.format("<0x%02X>", value).getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether a piece is written as the token of a byte. */
  static boolean is(byte[] piece) {
    return piece.length == LENGTH
        && piece[0] == '<'
        && piece[1] == '0'
        && piece[2] == 'x'
        && Character.digit(piece[3], 16) >= 0
        && Character.digit(piece[4], 16) >= 0
        && piece[5] == '>';
  }

  /** The byte of a piece for which {@link #is} holds. */
  static byte value(byte[] piece) {
    return (byte) (Character.digit(piece[3], 16) << 4 | Character.digit(piece[4], 16));
  }
}
