package dev.sluice.actors.scheduling;

import java.util.Arrays;
import org.agrona.collections.IntArrayList;

/**
 * What the sequences have set aside of a stage's KV pages, page by page, so that one which several
 * share is counted once. The stages have pages of their own; this one only counts, and at least
 * what they take.
 */
final class PageLedger {
  private final int capacity;

  /** How many have a page; of as many pages as were ever taken at once. */
  private final IntArrayList references = new IntArrayList();

  private final IntArrayList givenBack = new IntArrayList();

  PageLedger(int capacity) {
    this.capacity = capacity;
  }

  /** Pages that nobody has. */
  int free() {
    return capacity - references.size() + givenBack.size();
  }

  /** So many pages; they must be there. */
  int[] take(int count) {
    return share(new int[0], 0, count);
  }

  /** So many pages, the first of them those that another has; the others must be there. */
  int[] share(int[] others, int shared, int count) {
    int[] pages = Arrays.copyOf(others, count);
    for (int i = 0; i < count; i++) {
      if (i >= shared) {
        pages[i] = freePage();
      }
      references.setInt(pages[i], references.getInt(pages[i]) + 1);
    }
    return pages;
  }

  private int freePage() {
    if (!givenBack.isEmpty()) {
      return givenBack.popInt();
    }
    references.addInt(0);
    return references.size() - 1;
  }

  void give(int[] pages) {
    for (int page : pages) {
      int left = references.getInt(page) - 1;
      references.setInt(page, left);
      if (left == 0) {
        givenBack.pushInt(page);
      }
    }
  }

  /** Keeps the first of some pages and gives the others back. */
  int[] keep(int[] pages, int count) {
    give(Arrays.copyOfRange(pages, count, pages.length));
    return Arrays.copyOf(pages, count);
  }

  /** How many of the pages behind the first {@code count} nobody else has. */
  int own(int[] pages, int count) {
    int own = 0;
    for (int i = count; i < pages.length; i++) {
      own += references.getInt(pages[i]) == 1 ? 1 : 0;
    }
    return own;
  }
}
