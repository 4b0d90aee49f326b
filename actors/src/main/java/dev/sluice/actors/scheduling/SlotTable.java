package dev.sluice.actors.scheduling;

import dev.sluice.actors.kept.KeptSlot;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The slots of a pipeline and the KV pages that their sequences have reserved. */
final class SlotTable {
  private final SchedulerLimits limits;
  private final @Nullable Sequence[] slots;

  /** Slots of which stages hold something that is nobody's, until its CLOSE has come back. */
  private final boolean[] stale;

  /** Slots of which stages hold what its sequence, should it come, can go on from. */
  private final @Nullable KeptSlot[] offered;

  private int reservedPages;

  SlotTable(SchedulerLimits limits) {
    this.limits = limits;
    this.slots = new Sequence[limits.maxSequences()];
    this.stale = new boolean[limits.maxSequences()];
    this.offered = new KeptSlot[limits.maxSequences()];
  }

  /** Whether a slot is free, and so many pages. */
  boolean hasRoom(int pages) {
    return hasPages(pages) && freeSlot() >= 0;
  }

  private boolean hasPages(int pages) {
    return pages <= limits.capacityPages() - reservedPages;
  }

  /** Whether this slot is free, and so many pages. */
  boolean hasRoom(int slot, int pages) {
    return hasPages(pages) && free(slot);
  }

  /** Gives a sequence the lowest free slot and its pages; there must be room. */
  void take(Sequence sequence) {
    take(sequence, freeSlot());
  }

  /** Gives a sequence a slot and its pages; there must be room. */
  void take(Sequence sequence, int slot) {
    slots[slot] = sequence;
    sequence.slot = slot;
    reservedPages += sequence.pages();
  }

  void free(Sequence sequence) {
    slots[sequence.slot] = null;
    reservedPages -= sequence.pages();
  }

  /** Empties all slots. */
  void clear() {
    Arrays.fill(slots, null);
    Arrays.fill(stale, false);
    Arrays.fill(offered, null);
    reservedPages = 0;
  }

  /**
   * Sets a slot aside for a sequence that may come, and the pages that stages hold for it.
   *
   * @return false where there is no such slot, it is not free, or there are too few pages
   */
  boolean offer(KeptSlot kept) {
    int slot = kept.slot();
    if (!hasRoom(slot, pages(kept))) {
      return false;
    }
    offered[slot] = kept;
    reservedPages += pages(kept);
    return true;
  }

  /** What is set aside for a sequence, and is not any more; null for nothing. */
  @Nullable KeptSlot takeOffer(long sequence) {
    for (KeptSlot kept : offered) {
      if (kept != null && kept.sequence() == sequence) {
        return withdraw(kept);
      }
    }
    return null;
  }

  /** Anything that is set aside, and is not any more; null for nothing. */
  @Nullable KeptSlot takeOffer() {
    for (KeptSlot kept : offered) {
      if (kept != null) {
        return withdraw(kept);
      }
    }
    return null;
  }

  private KeptSlot withdraw(KeptSlot kept) {
    offered[kept.slot()] = null;
    reservedPages -= pages(kept);
    return kept;
  }

  /** No stage holds more than a page's positions beyond those that all have. */
  private int pages(KeptSlot kept) {
    return limits.pages(kept.positions()) + 1;
  }

  /**
   * A slot is to be closed that nobody has.
   *
   * @return false where there is no such slot, somebody has it, or it is to be closed already
   */
  boolean close(int slot) {
    boolean mine = free(slot);
    if (mine) {
      stale[slot] = true;
    }
    return mine;
  }

  /** A slot that {@link #close} took is free again; false where it is none. */
  boolean closed(int slot) {
    boolean was = known(slot) && stale[slot];
    if (was) {
      stale[slot] = false;
    }
    return was;
  }

  private boolean free(int slot) {
    return known(slot) && slots[slot] == null && !stale[slot] && offered[slot] == null;
  }

  private boolean known(int slot) {
    return slot >= 0 && slot < slots.length;
  }

  /** Who has a slot; null where nobody has, or there is no such slot. */
  @Nullable Sequence at(int slot) {
    return known(slot) ? slots[slot] : null;
  }

  int reservedPages() {
    return reservedPages;
  }

  int count(Sequence.State state) {
    int sum = 0;
    for (Sequence sequence : slots) {
      sum += sequence != null && sequence.state == state ? 1 : 0;
    }
    return sum;
  }

  /** Sequences that decode and are not held up by their consumers. */
  int decoding() {
    int sum = 0;
    for (Sequence sequence : slots) {
      boolean counts =
          sequence != null
              && sequence.state == Sequence.State.RUNNING
              && sequence.decoding()
              && (sequence.unsent() == 0 || sequence.canGoOn());
      sum += counts ? 1 : 0;
    }
    return sum;
  }

  private int freeSlot() {
    for (int i = 0; i < slots.length; i++) {
      if (free(i)) {
        return i;
      }
    }
    return -1;
  }
}
