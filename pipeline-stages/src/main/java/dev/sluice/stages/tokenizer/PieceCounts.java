package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * The distinct pieces of a text, as bytes, and how often each is there. A hash table over one array
 * of bytes: memory is that of the distinct pieces and some 30 bytes for each, however long the
 * text. For one thread.
 */
final class PieceCounts {
  /** The most bytes that all distinct pieces may have together. */
  static final int MAX_BYTES = 1 << 30;

  private byte[] bytes = new byte[1 << 16];
  private int[] ends = new int[1 << 10];
  private int[] hashes = new int[1 << 10];
  private long[] counts = new long[1 << 10];
  private int size;

  /** Open addressing: a piece's number and one, or 0. */
  private int[] table = new int[1 << 12];

  /**
   * Counts a piece.
   *
   * @throws TokenizerTrainingException where there is no room for one that is new
   */
  void add(byte[] piece, int length) {
    int hash = Vocabulary.hash(piece, 0, length);
    int mask = table.length - 1;
    for (int at = hash & mask; ; at = at + 1 & mask) {
      int found = table[at] - 1;
      if (found < 0) {
        append(piece, length, hash);
        table[at] = size;
        if (2 * size > table.length) {
          rehash();
        }
        return;
      }
      if (hashes[found] == hash
          && Arrays.equals(bytes, start(found), ends[found], piece, 0, length)) {
        counts[found]++;
        return;
      }
    }
  }

  /** How many distinct pieces there are. */
  int size() {
    return size;
  }

  /** All pieces, one behind the other; not to be changed. */
  byte[] bytes() {
    return bytes;
  }

  /** Where a piece begins in {@link #bytes}. */
  int start(int piece) {
    return piece == 0 ? 0 : ends[piece - 1];
  }

  /** Where a piece ends in {@link #bytes}. */
  int end(int piece) {
    return ends[piece];
  }

  long count(int piece) {
    return counts[piece];
  }

  private void append(byte[] piece, int length, int hash) {
    int end = start(size);
    if (length > MAX_BYTES - end) {
      throw new TokenizerTrainingException(
          "the distinct pieces of the text have more than "
              + (MAX_BYTES >> 20)
              + " MiB together; give less text");
    }
    if (size == ends.length) {
      ends = Arrays.copyOf(ends, 2 * size);
      hashes = Arrays.copyOf(hashes, 2 * size);
      counts = Arrays.copyOf(counts, 2 * size);
    }
    if (bytes.length - end < length) {
      bytes = Arrays.copyOf(bytes, (int) Math.min(MAX_BYTES, 2L * bytes.length + length));
    }
    System.arraycopy(piece, 0, bytes, end, length);
    ends[size] = end + length;
    hashes[size] = hash;
    counts[size] = 1;
    size++;
  }

  private void rehash() {
    table = new int[Math.multiplyExact(table.length, 2)];
    int mask = table.length - 1;
    for (int i = 0; i < size; i++) {
      int at = hashes[i] & mask;
      while (table[at] != 0) {
        at = at + 1 & mask;
      }
      table[at] = i + 1;
    }
  }
}
