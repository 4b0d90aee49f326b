package dev.sluice.stages.tokenizer;

import java.util.Arrays;

/**
 * The symbols of a text's distinct pieces and the pairs of neighbours among them: how often each
 * pair is there, and where. Joining a pair everywhere costs time for its places only and leaves all
 * counts right.
 *
 * <p>A place is one symbol of one distinct piece. The symbols of a piece are a doubly linked list
 * over places, and so are the places of a pair, in arrays that never grow: 24 bytes a place. A pair
 * once seen takes some 40 bytes. For one thread.
 */
final class PairIndex {
  static final int NONE = -1;

  /** The most places. */
  static final int MAX_PLACES = 1 << 28;

  /** Bytes that a place takes. */
  static final int PLACE_BYTES = 6 * Integer.BYTES;

  private final long[] countOfPiece;
  private final int[] symbol;
  private final int[] next;
  private final int[] previous;
  private final int[] piece;
  private final int[] nextOfPair;
  private final int[] previousOfPair;
  private int places;

  private long[] keys = new long[1 << 10];
  private long[] counts = new long[1 << 10];
  private int[] firsts = new int[1 << 10];
  private int[] lasts = new int[1 << 10];
  private int[] grownIn = new int[1 << 10];
  private int pairs;
  private int[] table = new int[1 << 12];

  private final IntList grown = new IntList(1 << 10);
  private final IntList joining = new IntList(1 << 10);
  private int step;

  /**
   * An index without places.
   *
   * @param countOfPiece how often each distinct piece is there
   * @param capacity how many places there will be at most
   */
  PairIndex(long[] countOfPiece, int capacity) {
    this.countOfPiece = countOfPiece;
    symbol = new int[capacity];
    next = new int[capacity];
    previous = new int[capacity];
    piece = new int[capacity];
    nextOfPair = new int[capacity];
    previousOfPair = new int[capacity];
  }

  /** Adds a distinct piece: its symbols; {@link #NONE} is a symbol that nothing joins. */
  void add(int pieceNumber, IntList symbols) {
    int first = places;
    for (int i = 0; i < symbols.size(); i++) {
      symbol[places] = symbols.get(i);
      piece[places] = pieceNumber;
      previous[places] = i > 0 ? places - 1 : NONE;
      next[places] = i + 1 < symbols.size() ? places + 1 : NONE;
      places++;
    }
    for (int place = first; place < places; place++) {
      link(place);
    }
  }

  /** How many pairs have been seen: they are numbered from 0, in the order they were. */
  int pairs() {
    return pairs;
  }

  /** The symbols of a pair, the left one in the upper half. */
  long key(int pair) {
    return keys[pair];
  }

  int left(int pair) {
    return (int) (keys[pair] >> Integer.SIZE);
  }

  int right(int pair) {
    return (int) keys[pair];
  }

  /** How often a pair is there, places that overlap ({@code aaa}) counted each. */
  long count(int pair) {
    return counts[pair];
  }

  /**
   * Puts one symbol for a pair, everywhere; where places overlap, from the left.
   *
   * @return how often that was, in the text
   */
  long join(int pair, int joined) {
    step++;
    grown.clear();
    joining.clear();
    for (int place = firsts[pair]; place != NONE; place = nextOfPair[place]) {
      joining.add(place);
    }
    int[] ordered = joining.toArray();
    Arrays.sort(ordered);
    final int left = left(pair);
    final int right = right(pair);
    long times = 0;
    for (int place : ordered) {
      int second = next[place];
      // Where places overlap, the one before has taken this one's symbol.
      if (symbol[place] == left && second != NONE && symbol[second] == right) {
        join(place, second, joined);
        times += countOfPiece[piece[place]];
      }
    }
    return times;
  }

  private void join(int place, int second, int joined) {
    int before = previous[place];
    int behind = next[second];
    unlink(place);
    unlink(second);
    if (before != NONE) {
      unlink(before);
    }
    symbol[place] = joined;
    symbol[second] = NONE;
    next[second] = NONE;
    next[place] = behind;
    if (behind != NONE) {
      previous[behind] = place;
    }
    if (before != NONE) {
      link(before);
    }
    link(place);
  }

  /** The pairs that are more often there since the last {@link #join} began; each once. */
  IntList grown() {
    return grown;
  }

  private boolean isPair(int place) {
    return next[place] != NONE && symbol[place] >= 0 && symbol[next[place]] >= 0;
  }

  /** Counts the pair that begins at a place. */
  private void link(int place) {
    if (!isPair(place)) {
      return;
    }
    int pair = findOrAdd(key(place, next[place]));
    counts[pair] += countOfPiece[piece[place]];
    int last = lasts[pair];
    previousOfPair[place] = last;
    nextOfPair[place] = NONE;
    lasts[pair] = place;
    if (last == NONE) {
      firsts[pair] = place;
    } else {
      nextOfPair[last] = place;
    }
    if (grownIn[pair] != step) {
      grownIn[pair] = step;
      grown.add(pair);
    }
  }

  /** Counts the pair that begins at a place no longer. */
  private void unlink(int place) {
    if (!isPair(place)) {
      return;
    }
    int pair = findOrAdd(key(place, next[place]));
    counts[pair] -= countOfPiece[piece[place]];
    int before = previousOfPair[place];
    int behind = nextOfPair[place];
    if (before == NONE) {
      firsts[pair] = behind;
    } else {
      nextOfPair[before] = behind;
    }
    if (behind == NONE) {
      lasts[pair] = before;
    } else {
      previousOfPair[behind] = before;
    }
  }

  private long key(int place, int second) {
    return (long) symbol[place] << Integer.SIZE | symbol[second];
  }

  private int findOrAdd(long key) {
    int mask = table.length - 1;
    for (int at = slot(key, mask); ; at = at + 1 & mask) {
      int found = table[at] - 1;
      if (found < 0) {
        append(key);
        table[at] = pairs;
        if (2L * pairs > table.length) {
          rehash();
        }
        return pairs - 1;
      }
      if (keys[found] == key) {
        return found;
      }
    }
  }

  private void append(long key) {
    if (pairs == keys.length) {
      int capacity = Math.multiplyExact(pairs, 2);
      keys = Arrays.copyOf(keys, capacity);
      counts = Arrays.copyOf(counts, capacity);
      firsts = Arrays.copyOf(firsts, capacity);
      lasts = Arrays.copyOf(lasts, capacity);
      grownIn = Arrays.copyOf(grownIn, capacity);
    }
    keys[pairs] = key;
    firsts[pairs] = NONE;
    lasts[pairs] = NONE;
    grownIn[pairs] = NONE;
    pairs++;
  }

  private void rehash() {
    table = new int[Math.multiplyExact(table.length, 2)];
    int mask = table.length - 1;
    for (int pair = 0; pair < pairs; pair++) {
      int at = slot(keys[pair], mask);
      while (table[at] != 0) {
        at = at + 1 & mask;
      }
      table[at] = pair + 1;
    }
  }

  private static int slot(long key, int mask) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> Integer.SIZE) & mask;
  }
}
