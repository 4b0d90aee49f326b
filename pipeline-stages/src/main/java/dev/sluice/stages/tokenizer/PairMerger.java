package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * Joins neighbouring symbols of a text, always the pair that is best, of equals the leftmost, until
 * no pair is left: the core of byte-pair encoding, by ranks of merges or by scores of tokens.
 *
 * <p>Symbols are a doubly linked list in arrays; pairs wait in a heap. Each join removes one symbol
 * and adds at most two pairs, so n symbols take O(n log n) steps, whatever they are. A pair in the
 * heap that is no longer there is dropped when its turn comes. Reusable; for one thread.
 */
final class PairMerger {

  /** Which pairs can be joined, how well, and into what. */
  interface Pairs {
    /** What stands for "these cannot be joined". */
    int NONE = -1;

    /**
     * A non-negative number that stands for joining two neighbours, or {@link #NONE}.
     *
     * @param left the left symbol's token, or {@link Vocabulary#NONE}
     * @param right the right symbol's token, or {@link Vocabulary#NONE}
     * @param from where the left one begins
     * @param to where the right one ends
     */
    int find(int left, int right, int from, int to);

    /** The lower the earlier; the same for the same pair. */
    int priority(int pair);

    /** The token that the joined symbols are. */
    int token(int pair);
  }

  private static final int END = -1;

  private int[] start = new int[64];
  private int[] token = new int[64];
  private int[] next = new int[64];
  private int[] previous = new int[64];
  private int[] pair = new int[64];
  private long[] heap = new long[64];
  private int symbols;
  private int pairs;
  private int end;
  private long steps;

  /** Forgets all symbols. */
  void clear() {
    symbols = 0;
  }

  /** Adds a symbol at the end: its token, if it is one, and where in the text it begins. */
  void add(int symbolToken, int from) {
    if (symbols == start.length) {
      int capacity = Math.multiplyExact(symbols, 2);
      start = Arrays.copyOf(start, capacity);
      token = Arrays.copyOf(token, capacity);
      next = Arrays.copyOf(next, capacity);
      previous = Arrays.copyOf(previous, capacity);
      pair = Arrays.copyOf(pair, capacity);
    }
    start[symbols] = from;
    token[symbols] = symbolToken;
    symbols++;
  }

  /**
   * Joins what can be joined.
   *
   * @param to where in the text the last symbol ends
   */
  void merge(Pairs source, int to) {
    end = to;
    pairs = 0;
    for (int i = 0; i < symbols; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < symbols ? i + 1 : END;
    }
    for (int i = 0; i < symbols; i++) {
      consider(source, i);
    }
    while (pairs > 0) {
      long best = pop();
      int left = (int) best;
      int found = pair[left];
      if (found == Pairs.NONE || source.priority(found) != (int) (best >> Integer.SIZE)) {
        continue;
      }
      int right = next[left];
      int behind = next[right];
      token[left] = source.token(found);
      next[left] = behind;
      pair[right] = Pairs.NONE;
      if (behind != END) {
        previous[behind] = left;
      }
      consider(source, left);
      if (previous[left] != END) {
        consider(source, previous[left]);
      }
    }
  }

  /** The first symbol, or -1 where there is none. */
  int first() {
    return symbols == 0 ? END : 0;
  }

  /** The symbol behind one, or -1. */
  int next(int symbol) {
    return next[symbol];
  }

  int token(int symbol) {
    return token[symbol];
  }

  int start(int symbol) {
    return start[symbol];
  }

  int end(int symbol) {
    return next[symbol] == END ? end : start[next[symbol]];
  }

  /** How many heap steps all merges took together: what tests hold against the text's length. */
  long steps() {
    return steps;
  }

  private void consider(Pairs source, int left) {
    int right = next[left];
    if (right == END) {
      pair[left] = Pairs.NONE;
      return;
    }
    int found = source.find(token[left], token[right], start[left], end(right));
    pair[left] = found;
    if (found != Pairs.NONE) {
      push((long) source.priority(found) << Integer.SIZE | left);
    }
  }

  private void push(long value) {
    if (pairs == heap.length) {
      heap = Arrays.copyOf(heap, Math.multiplyExact(pairs, 2));
    }
    int at = pairs++;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      steps++;
      if (heap[parent] <= value) {
        break;
      }
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = value;
  }

  private long pop() {
    final long top = heap[0];
    long last = heap[--pairs];
    int at = 0;
    for (int child = 1; child < pairs; child = 2 * at + 1) {
      steps++;
      if (child + 1 < pairs && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
