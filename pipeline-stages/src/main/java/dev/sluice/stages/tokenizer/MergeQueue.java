package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * Pairs of symbols, the best first: the one with the highest gain, of equals the one with the
 * smaller left symbol, then the smaller right one. A heap whose entries may be out of date: whoever
 * takes one compares its gain with the pair's. For one thread.
 */
final class MergeQueue {
  private final PairIndex index;
  private double[] gains = new double[1 << 10];
  private int[] pairs = new int[1 << 10];
  private int size;

  MergeQueue(PairIndex index) {
    this.index = index;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** The gain that the best entry was added with. */
  double gain() {
    return gains[0];
  }

  void add(int pair, double gain) {
    if (size == pairs.length) {
      int capacity = Math.multiplyExact(size, 2);
      gains = Arrays.copyOf(gains, capacity);
      pairs = Arrays.copyOf(pairs, capacity);
    }
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (!isBefore(gain, pair, gains[parent], pairs[parent])) {
        break;
      }
      put(at, gains[parent], pairs[parent]);
      at = parent;
    }
    put(at, gain, pair);
  }

  /** Takes the best entry away and answers its pair. */
  int take() {
    final int best = pairs[0];
    size--;
    double gain = gains[size];
    int pair = pairs[size];
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size
          && isBefore(gains[child + 1], pairs[child + 1], gains[child], pairs[child])) {
        child++;
      }
      if (!isBefore(gains[child], pairs[child], gain, pair)) {
        break;
      }
      put(at, gains[child], pairs[child]);
      at = child;
    }
    put(at, gain, pair);
    return best;
  }

  private void put(int at, double gain, int pair) {
    gains[at] = gain;
    pairs[at] = pair;
  }

  private boolean isBefore(double gain, int pair, double otherGain, int otherPair) {
    return gain > otherGain || (gain == otherGain && index.key(pair) < index.key(otherPair));
  }
}
