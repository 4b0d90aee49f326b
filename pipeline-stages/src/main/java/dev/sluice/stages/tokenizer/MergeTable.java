package dev.sluice.stages.tokenizer;

import java.nio.charset.StandardCharsets;

/** The merges of byte-pair encoding: for two neighbouring tokens, how early and into what. */
final class MergeTable implements PairMerger.Pairs {

  /** A merge that cannot be used. */
  static final class BadMergeException extends Exception {
    BadMergeException(String message) {
      super(message);
    }
  }

  private final LongIntMap ranks;
  private final int[] merged;

  private MergeTable(LongIntMap ranks, int[] merged) {
    this.ranks = ranks;
    this.merged = merged;
  }

  /**
   * Reads merges, the earliest first: two tokens, a space between them.
   *
   * @throws BadMergeException for a merge that is not of that form or names what is no token
   */
  static MergeTable of(byte[][] merges, Vocabulary vocabulary) throws BadMergeException {
    LongIntMap ranks = new LongIntMap(merges.length);
    int[] merged = new int[merges.length];
    byte[] both = new byte[Math.max(1, vocabulary.longest())];
    for (int rank = 0; rank < merges.length; rank++) {
      byte[] merge = merges[rank];
      int space = 1;
      while (space < merge.length && merge[space] != ' ') {
        space++;
      }
      if (space >= merge.length - 1) {
        throw new BadMergeException(describe(rank, merge) + " is not two tokens with a space");
      }
      int left = vocabulary.find(merge, 0, space);
      int right = vocabulary.find(merge, space + 1, merge.length);
      int token = Vocabulary.NONE;
      if (left != Vocabulary.NONE && right != Vocabulary.NONE && merge.length - 1 <= both.length) {
        System.arraycopy(merge, 0, both, 0, space);
        System.arraycopy(merge, space + 1, both, space, merge.length - space - 1);
        // Most vocabularies list tokens in the order of the merges that make them.
        int expected = rank == 0 ? 0 : merged[rank - 1] + 1;
        boolean inOrder =
            expected < vocabulary.size() && vocabulary.is(expected, both, 0, merge.length - 1);
        token = inOrder ? expected : vocabulary.find(both, 0, merge.length - 1);
      }
      if (token == Vocabulary.NONE) {
        throw new BadMergeException(
            describe(rank, merge)
                + (left == Vocabulary.NONE
                    ? ": the left one is no token"
                    : right == Vocabulary.NONE
                        ? ": the right one is no token"
                        : ": the two together are no token"));
      }
      ranks.putIfAbsent(key(left, right), rank);
      merged[rank] = token;
    }
    return new MergeTable(ranks, merged);
  }

  @Override
  public int find(int left, int right, int from, int to) {
    return left < 0 || right < 0 ? NONE : ranks.get(key(left, right));
  }

  @Override
  public int priority(int pair) {
    return pair;
  }

  @Override
  public int token(int pair) {
    return merged[pair];
  }

  private static long key(int left, int right) {
    return (long) left << Integer.SIZE | right;
  }

  private static String describe(int rank, byte[] merge) {
    return "merge " + rank + " (\"" + new String(merge, StandardCharsets.UTF_8) + "\")";
  }
}
