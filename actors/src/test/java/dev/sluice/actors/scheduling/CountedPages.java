package dev.sluice.actors.scheduling;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * The KV pages of a sequence in a simulated stage, which others may have too: who goes on in the
 * middle of a page that another one has takes a new page for it.
 */
public final class CountedPages {
  private final int pageTokens;
  private final List<Object> pages = new ArrayList<>();
  private int length;

  public CountedPages(int pageTokens) {
    this.pageTokens = pageTokens;
  }

  /** Room for one more position. */
  public void add(Collection<CountedPages> others) {
    if (length % pageTokens == 0) {
      pages.add(new Object());
    } else if (others.stream().anyMatch(o -> o != this && o.has(pages.getLast()))) {
      pages.set(pages.size() - 1, new Object());
    }
    length++;
  }

  private boolean has(Object page) {
    return pages.contains(page);
  }

  public void cut(int positions) {
    pages.subList(Math.ceilDiv(positions, pageTokens), pages.size()).clear();
    length = positions;
  }

  /** The first positions, for another sequence. */
  public CountedPages share(int positions) {
    CountedPages shared = new CountedPages(pageTokens);
    shared.pages.addAll(pages);
    shared.cut(positions);
    return shared;
  }

  /** Pages that some have together. */
  public static int count(Collection<CountedPages> all) {
    Set<Object> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
    all.forEach(one -> distinct.addAll(one.pages));
    return distinct.size();
  }
}
