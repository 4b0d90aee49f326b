package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The tokens of a model: their bytes as the file writes them, their types, and ids by bytes.
 * Immutable. One table of ids and the tokens' own arrays are all it keeps, so that a vocabulary of
 * a quarter of a million tokens is there within tens of milliseconds.
 */
final class Vocabulary {
  static final int NONE = -1;

  private final byte[][] pieces;
  private final byte[] types;

  /** Open addressing: a hash in the upper half, the id in the lower. */
  private final long[] table;

  private final int longest;

  /**
   * Takes over both arrays.
   *
   * @param types one {@link TokenType} a token
   */
  Vocabulary(byte[][] pieces, byte[] types) {
    this.pieces = pieces;
    this.types = types;
    table = new long[Integer.highestOneBit(Math.max(8, pieces.length)) << 2];
    Arrays.fill(table, NONE);
    int max = 0;
    for (int id = 0; id < pieces.length; id++) {
      byte[] piece = pieces[id];
      max = Math.max(max, piece.length);
      int hash = hash(piece, 0, piece.length);
      int at = slot(hash, piece, 0, piece.length);
      // Of tokens that are written alike, the first is the one that text becomes.
      if (table[at] == NONE) {
        table[at] = (long) hash << Integer.SIZE | id;
      }
    }
    longest = max;
  }

  int size() {
    return pieces.length;
  }

  /** The length of the longest token in bytes. */
  int longest() {
    return longest;
  }

  /** The id of the token that is written so, or {@link #NONE}. */
  int find(byte[] bytes, int from, int to) {
    return to - from > longest ? NONE : (int) table[slot(hash(bytes, from, to), bytes, from, to)];
  }

  /** As {@link #find(byte[], int, int)}. */
  int find(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return find(bytes, 0, bytes.length);
  }

  /** The token's bytes as the file writes them: the vocabulary's own array, not to be changed. */
  byte[] piece(int id) {
    return pieces[check(id)];
  }

  byte type(int id) {
    return types[check(id)];
  }

  /** The id, if the vocabulary has it. */
  int check(int id) {
    if (id < 0 || id >= pieces.length) {
      throw new IllegalArgumentException(
          "Token id " + id + " is not in the vocabulary: its ids are 0 to " + (pieces.length - 1));
    }
    return id;
  }

  /** Whether a token is written so. */
  boolean is(int id, byte[] bytes, int from, int to) {
    return Arrays.equals(pieces[id], 0, pieces[id].length, bytes, from, to);
  }

  /** Where in the table the token that is written so stands, or would. */
  private int slot(int hash, byte[] bytes, int from, int to) {
    int mask = table.length - 1;
    for (int at = hash & mask; ; at = (at + 1) & mask) {
      long entry = table[at];
      if (entry == NONE
          || ((int) (entry >> Integer.SIZE) == hash && is((int) entry, bytes, from, to))) {
        return at;
      }
    }
  }

  /** FNV-1a, with its high bits mixed into the low ones. */
  static int hash(byte[] bytes, int from, int to) {
    int hash = 0x811C9DC5;
    for (int i = from; i < to; i++) {
      hash = (hash ^ bytes[i]) * 0x01000193;
    }
    hash *= 0x9E3779B1;
    return hash ^ hash >>> 15;
  }
}
