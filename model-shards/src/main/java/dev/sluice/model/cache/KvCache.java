package dev.sluice.model.cache;

import dev.sluice.model.kernel.KvLayout;
import dev.sluice.model.kernel.KvPages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Keys and values of many sequences, in pages outside the heap (after Kwon et al., 2023). The
 * budget of pages is fixed when the cache is made and allocated at once; a sequence takes a page
 * when it needs one and gives all back when it is released. Running out is an answer ({@link
 * #reserve} returns false), not an exception.
 *
 * <p>A page of the budget stands for {@link KvLayout#pageTokens} positions of one sequence in all
 * layers: one page table per slot serves every layer. For each layer it holds keys {@code
 * [token][kvHeads * keyLength]}, then values {@code [token][kvHeads * valueLength]}.
 *
 * <p>Slots may {@link #share} the pages of a beginning that their sequences have in common. Pages
 * are counted by reference; who goes on in the middle of a page that others have too gets a copy of
 * it first.
 *
 * <p>One thread reserves, releases and closes. Between a reservation and the release any thread may
 * read and write the slot's pages, as long as the owner sees to it that no row is read before it is
 * written. {@link #usage} is for any thread. Nothing is allocated once a slot's page table has
 * reached the length of its longest sequence.
 */
public final class KvCache implements KvPages, AutoCloseable {
  private static final int ALIGNMENT = 64;
  private static final int FIRST_TABLE = 8;

  private final KvLayout layout;
  private final int layers;
  private final long pageBytes;
  private final Arena arena = Arena.ofShared();

  /** Slices of the budget: {@code [page * layers + layer]}. */
  private final MemorySegment[] blocks;

  private final int[] free;
  private int freeCount;

  /** How many slots have a page. */
  private final int[] references;

  private final int[][] tables;
  private final int[] lengths;
  private volatile int usedPages;
  private boolean closed;

  /**
   * Allocates a cache.
   *
   * @param layout what a page holds for one layer
   * @param layers how many layers
   * @param pages the budget
   * @param slots sequences at a time: slots are 0 until this number
   * @throws IllegalStateException when the memory is not to be had
   */
  public KvCache(KvLayout layout, int layers, int pages, int slots) {
    if (layers < 1 || pages < 1 || slots < 1 || (long) layers * pages > Integer.MAX_VALUE / 8) {
      throw new IllegalArgumentException(
          "no KV cache: " + layers + " layers, " + pages + " pages, " + slots + " slots");
    }
    this.layout = layout;
    this.layers = layers;
    long blockBytes = (layout.pageBytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    pageBytes = layers * blockBytes;
    MemorySegment memory = allocate(Math.multiplyExact(pageBytes, (long) pages));
    blocks = new MemorySegment[pages * layers];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = memory.asSlice(i * blockBytes, layout.pageBytes());
    }
    free = new int[pages];
    for (int i = 0; i < pages; i++) {
      free[i] = pages - 1 - i;
    }
    freeCount = pages;
    references = new int[pages];
    tables = new int[slots][];
    Arrays.fill(tables, new int[0]);
    lengths = new int[slots];
  }

  private MemorySegment allocate(long bytes) {
    try {
      return arena.allocate(bytes, ALIGNMENT);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new IllegalStateException(
          "a KV cache of "
              + bytes
              + " bytes does not fit into memory: ask for a shorter context or fewer sequences, or"
              + " store it as F16",
          e);
    }
  }

  /** The number of slots. */
  public int slots() {
    return lengths.length;
  }

  /** Positions that the slot's sequence has room for: the sum of what was reserved. */
  public int length(int slot) {
    return lengths[slot];
  }

  /**
   * Makes room for the next {@code tokens} positions of the slot's sequence; all or nothing.
   *
   * @return false when the budget has too few pages left; then nothing has changed
   */
  public boolean reserve(int slot, int tokens) {
    if (tokens < 0 || tokens > Integer.MAX_VALUE - lengths[slot]) {
      throw new IllegalArgumentException("tokens to reserve: " + tokens);
    }
    int length = lengths[slot] + tokens;
    int held = pagesFor(lengths[slot]);
    int needed = pagesFor(length);
    boolean copies = tokens > 0 && goesOnInSharedPage(slot);
    if (needed - held + (copies ? 1 : 0) > freeCount) {
      return false;
    }
    if (copies) {
      copyLastPage(slot);
    }
    growTable(slot, needed);
    for (int i = held; i < needed; i++) {
      tables[slot][i] = takePage();
    }
    lengths[slot] = length;
    usedPages = free.length - freeCount;
    return true;
  }

  private void growTable(int slot, int needed) {
    if (needed > tables[slot].length) {
      int room = Math.min(blocks.length / layers, Math.max(FIRST_TABLE, 2 * needed));
      tables[slot] = Arrays.copyOf(tables[slot], room);
    }
  }

  private int takePage() {
    int page = free[--freeCount];
    references[page] = 1;
    return page;
  }

  private boolean goesOnInSharedPage(int slot) {
    int length = lengths[slot];
    return length % layout.pageTokens() != 0
        && references[tables[slot][length / layout.pageTokens()]] > 1;
  }

  private void copyLastPage(int slot) {
    int index = lengths[slot] / layout.pageTokens();
    int old = tables[slot][index];
    int copy = takePage();
    for (int layer = 0; layer < layers; layer++) {
      blocks[copy * layers + layer].copyFrom(blocks[old * layers + layer]);
    }
    references[old]--;
    tables[slot][index] = copy;
  }

  /**
   * Gives a slot the first positions of another one's sequence, as they are. No page is taken for
   * them until one of the two goes on in the middle of one.
   *
   * @param from the slot that has them
   * @param to an empty slot
   * @throws IllegalArgumentException where the one has fewer positions, or the other has any
   */
  public void share(int from, int to, int positions) {
    if (positions < 0 || positions > lengths[from] || lengths[to] != 0) {
      throw new IllegalArgumentException(
          "slot %d, with %d positions, cannot get %d of the %d positions of slot %d"
              .formatted(to, lengths[to], positions, lengths[from], from));
    }
    int pages = pagesFor(positions);
    growTable(to, pages);
    for (int i = 0; i < pages; i++) {
      tables[to][i] = tables[from][i];
      references[tables[to][i]]++;
    }
    lengths[to] = positions;
  }

  /** Gives the pages of a slot back. A slot that holds none is fine. */
  public void release(int slot) {
    truncate(slot, 0);
  }

  /**
   * Forgets a slot's positions from {@code length} on, and gives the pages back that hold only
   * such.
   *
   * @throws IllegalArgumentException where the slot has room for fewer positions
   */
  public void truncate(int slot, int length) {
    if (length < 0 || length > lengths[slot]) {
      throw new IllegalArgumentException(
          "slot " + slot + " cannot be cut to " + length + " of " + lengths[slot] + " positions");
    }
    int kept = pagesFor(length);
    for (int i = pagesFor(lengths[slot]) - 1; i >= kept; i--) {
      int page = tables[slot][i];
      if (--references[page] == 0) {
        free[freeCount++] = page;
      }
    }
    lengths[slot] = length;
    usedPages = free.length - freeCount;
  }

  @Override
  public MemorySegment page(int slot, int layer, int index) {
    assert index < pagesFor(lengths[slot]) : "page " + index + " of slot " + slot;
    return blocks[tables[slot][index] * layers + layer];
  }

  /**
   * Stores the keys and values of one position of one layer, rounded to the cache's type.
   *
   * @param keys segment of floats; the keys start {@code keysOffset} floats into it
   * @param values segment of floats; the values start {@code valuesOffset} floats into it
   */
  public void store(
      int slot,
      int layer,
      int position,
      MemorySegment keys,
      long keysOffset,
      MemorySegment values,
      long valuesOffset) {
    MemorySegment page = page(slot, layer, position / layout.pageTokens());
    layout.store(page, position % layout.pageTokens(), keys, keysOffset, values, valuesOffset);
  }

  /** Bytes of the keys and values of one position in all layers: a row of {@link #copy}. */
  public long rowBytes() {
    return layers * (layout.keyRowBytes() + layout.valueRowBytes());
  }

  /**
   * Copies keys and values of positions, as they are stored, to the beginning of {@code target}:
   * for each position a row of {@link #rowBytes}, with the keys and then the values of each layer.
   *
   * @throws IndexOutOfBoundsException where the slot has no room for them, or the target has not
   */
  public void copy(int slot, int position, int count, MemorySegment target) {
    transfer(slot, position, count, target, 0, false);
  }

  /**
   * Puts positions back that were copied, over what is there.
   *
   * @param source rows as {@link #copy} gives them, from {@code offset} bytes on
   * @throws IndexOutOfBoundsException where the slot has no room for them, or the source has fewer
   */
  public void restore(int slot, int position, int count, MemorySegment source, long offset) {
    transfer(slot, position, count, source, offset, true);
  }

  private void transfer(
      int slot, int position, int count, MemorySegment rows, long offset, boolean in) {
    Objects.checkFromIndexSize(position, count, lengths[slot]);
    long keyBytes = layout.keyRowBytes();
    long valueBytes = layout.valueRowBytes();
    long at = offset;
    for (int i = position; i < position + count; i++) {
      int token = i % layout.pageTokens();
      for (int layer = 0; layer < layers; layer++) {
        MemorySegment page = page(slot, layer, i / layout.pageTokens());
        move(page, token * keyBytes, rows, at, keyBytes, in);
        at += keyBytes;
        move(page, layout.valuesOffset() + token * valueBytes, rows, at, valueBytes, in);
        at += valueBytes;
      }
    }
  }

  private static void move(
      MemorySegment page, long inPage, MemorySegment rows, long at, long bytes, boolean in) {
    if (in) {
      MemorySegment.copy(rows, at, page, inPage, bytes);
    } else {
      MemorySegment.copy(page, inPage, rows, at, bytes);
    }
  }

  /** What is in use now. */
  public KvUsage usage() {
    int used = usedPages;
    return new KvUsage(
        used, free.length, layout.pageTokens(), used * pageBytes, free.length * pageBytes);
  }

  /** Frees the memory; a second call does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }

  private int pagesFor(int length) {
    return (int) (((long) length + layout.pageTokens() - 1) / layout.pageTokens());
  }
}
