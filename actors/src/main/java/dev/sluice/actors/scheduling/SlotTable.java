package dev.sluice.actors.scheduling;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The slots of a pipeline and the KV pages that their sequences have reserved. */
final class SlotTable {
  private final SchedulerLimits limits;
  private final @Nullable Sequence[] slots;

  /** Slots of which stages hold something that is nobody's, until its CLOSE has come back. */
  private final boolean[] stale;

  private int reservedPages;

  SlotTable(SchedulerLimits limits) {
    this.limits = limits;
    this.slots = new Sequence[limits.maxSequences()];
    this.stale = new boolean[limits.maxSequences()];
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
    return hasPages(pages) && known(slot) && slots[slot] == null && !stale[slot];
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
    reservedPages = 0;
  }

  /**
   * A slot is to be closed that nobody has.
   *
   * @return false where there is no such slot, somebody has it, or it is to be closed already
   */
  boolean close(int slot) {
    boolean mine = known(slot) && slots[slot] == null && !stale[slot];
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
      if (slots[i] == null && !stale[i]) {
        return i;
      }
    }
    return -1;
  }
}
