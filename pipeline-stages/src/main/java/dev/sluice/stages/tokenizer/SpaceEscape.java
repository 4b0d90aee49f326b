package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/** U+2581, which vocabularies write for a space. */
final class SpaceEscape {
  static final int CODE_POINT = 0x2581;
  private static final byte[] UTF_8 = {(byte) 0xE2, (byte) 0x96, (byte) 0x81};

  private SpaceEscape() {}

  /** A piece's bytes with spaces for the escapes. */
  static byte[] unescape(byte[] piece) {
    byte[] bytes = new byte[piece.length];
    int length = 0;
    int at = 0;
    while (at < piece.length) {
      boolean space =
          at + UTF_8.length <= piece.length
              && Arrays.equals(piece, at, at + UTF_8.length, UTF_8, 0, UTF_8.length);
      bytes[length++] = space ? (byte) ' ' : piece[at];
      at += space ? UTF_8.length : 1;
    }
    return Arrays.copyOf(bytes, length);
  }
}
