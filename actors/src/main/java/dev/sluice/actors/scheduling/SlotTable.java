package dev.sluice.actors.scheduling;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The slots of a pipeline and the KV pages that their sequences have reserved. */
final class SlotTable {
  private final SchedulerLimits limits;
  private final @Nullable Sequence[] slots;
  private int reservedPages;

  SlotTable(SchedulerLimits limits) {
    this.limits = limits;
    this.slots = new Sequence[limits.maxSequences()];
  }

  /** Whether a slot is free, and so many pages. */
  boolean hasRoom(int pages) {
    return pages <= limits.capacityPages() - reservedPages && freeSlot() >= 0;
  }

  /** Gives a sequence the lowest free slot and its pages; there must be room. */
  void take(Sequence sequence) {
    int slot = freeSlot();
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
    reservedPages = 0;
  }

  /** Who has a slot; null where nobody has, or there is no such slot. */
  @Nullable Sequence at(int slot) {
    return slot >= 0 && slot < slots.length ? slots[slot] : null;
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
      if (slots[i] == null) {
        return i;
      }
    }
    return -1;
  }
}
