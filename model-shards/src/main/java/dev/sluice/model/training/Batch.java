package dev.sluice.model.training;

import java.util.BitSet;

/**
 * Documents, or pieces of them, one behind another: token {@code i} predicts {@code target(i)}, and
 * sees those before it in its own piece. Filled and used by one thread, read by many.
 */
final class Batch {
  private final int[] ids;
  private final int[] targets;
  private final int[] positions;
  private final BitSet learnt = new BitSet();
  private final int[] starts;
  private int count;
  private int pieces;
  private int learntTokens;

  /** Room for that many tokens. */
  Batch(int capacity) {
    ids = new int[capacity];
    targets = new int[capacity];
    positions = new int[capacity];
    starts = new int[capacity + 1];
  }

  void clear() {
    count = 0;
    pieces = 0;
    learntTokens = 0;
    learnt.clear();
  }

  int room() {
    return ids.length - count;
  }

  /** Adds the {@code length} predictions that begin with the token at {@code from}. */
  void add(TokenDataset data, int from, int length) {
    starts[pieces++] = count;
    for (int i = 0; i < length; i++) {
      ids[count] = data.id(from + i);
      targets[count] = data.id(from + i + 1);
      positions[count] = i;
      if (data.learnt(from + i + 1)) {
        learnt.set(count);
        learntTokens++;
      }
      count++;
    }
    starts[pieces] = count;
  }

  int count() {
    return count;
  }

  int learntTokens() {
    return learntTokens;
  }

  int id(int i) {
    return ids[i];
  }

  int target(int i) {
    return targets[i];
  }

  int position(int i) {
    return positions[i];
  }

  boolean learnt(int i) {
    return learnt.get(i);
  }

  int pieces() {
    return pieces;
  }

  int start(int piece) {
    return starts[piece];
  }

  int length(int piece) {
    return starts[piece + 1] - starts[piece];
  }
}
