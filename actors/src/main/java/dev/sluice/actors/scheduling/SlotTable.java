package dev.sluice.actors.scheduling;

import dev.sluice.actors.kept.KeptSlot;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The slots of a pipeline and the KV pages that their sequences have reserved. A sequence that has
 * ended may rest in its slot, for others to share what they have in common with it, until somebody
 * needs slot or pages.
 */
final class SlotTable {
  private final SchedulerLimits limits;
  private final @Nullable Sequence[] slots;

  /** Slots of which stages hold something that is nobody's, until its CLOSE has come back. */
  private final boolean[] stale;

  /** Slots of which stages hold what its sequence, should it come, can go on from. */
  private final @Nullable KeptSlot[] offered;

  private final PageLedger ledger;

  /** The pages of each slot. */
  private final int[][] pages;

  SlotTable(SchedulerLimits limits) {
    this.ledger = new PageLedger(limits.capacityPages());
    this.pages = new int[limits.maxSequences()][0];
    this.limits = limits;
    this.slots = new Sequence[limits.maxSequences()];
    this.stale = new boolean[limits.maxSequences()];
    this.offered = new KeptSlot[limits.maxSequences()];
  }

  /** Pages that nobody has. */
  int freePages() {
    return ledger.free();
  }

  /** Whether this slot is free, and so many pages. */
  boolean hasRoom(int slot, int count) {
    return count <= ledger.free() && free(slot);
  }

  /** Whether there is room for so many pages, or would be if those that rest were gone. */
  boolean couldHaveRoom(int count) {
    boolean slot = false;
    for (int i = 0; i < slots.length; i++) {
      slot |= free(i) || resting(i) != null;
    }
    return slot && count <= limits.capacityPages() - reservedPages();
  }

  /** Gives a sequence a slot and its pages; there must be room. */
  void take(Sequence sequence, int slot) {
    pages[slot] = ledger.take(sequence.pages());
    put(sequence, slot);
  }

  /**
   * Gives a sequence a slot, which is free or the other's, and its pages, of which the full ones of
   * what it shares are the other's; there must be room.
   *
   * @param positions how many of the other's positions it shares
   */
  void share(Sequence sequence, int slot, Sequence other, int positions) {
    int shared = positions / limits.pageTokens();
    int[] first = pages[other.slot];
    if (slot == other.slot) {
      first = ledger.keep(first, shared);
      pages[slot] = ledger.share(first, shared, sequence.pages());
      ledger.give(first);
    } else {
      pages[slot] = ledger.share(first, shared, sequence.pages());
    }
    put(sequence, slot);
  }

  private void put(Sequence sequence, int slot) {
    slots[slot] = sequence;
    sequence.slot = slot;
  }

  /** How many pages there would be for one who took a slot over and kept so many positions. */
  int freeWithout(Sequence resting, int positions) {
    return ledger.free() + ledger.own(pages[resting.slot], positions / limits.pageTokens());
  }

  void free(Sequence sequence) {
    empty(sequence.slot);
  }

  private void empty(int slot) {
    slots[slot] = null;
    offered[slot] = null;
    ledger.give(pages[slot]);
    pages[slot] = new int[0];
  }

  /** A sequence that has ended stays, with the pages that it filled. */
  void rest(Sequence sequence) {
    sequence.state = Sequence.State.RESTING;
    pages[sequence.slot] = ledger.keep(pages[sequence.slot], limits.pages(sequence.sent));
  }

  /** Who rests in a slot; null for nobody. */
  @Nullable Sequence resting(int slot) {
    Sequence sequence = slots[slot];
    return sequence != null && sequence.state == Sequence.State.RESTING ? sequence : null;
  }

  /** The slot of one that rests is to be closed; its pages are free at once: links keep order. */
  void evict(Sequence resting) {
    empty(resting.slot);
    stale[resting.slot] = true;
  }

  /** Whether slots will be free without anything else. */
  boolean closing() {
    for (boolean s : stale) {
      if (s) {
        return true;
      }
    }
    return count(Sequence.State.CLOSING) > 0;
  }

  /** Empties all slots. */
  void clear() {
    for (int i = 0; i < slots.length; i++) {
      empty(i);
      stale[i] = false;
    }
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
    pages[slot] = ledger.take(pages(kept));
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
    empty(kept.slot());
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
    boolean was = stale(slot);
    if (was) {
      stale[slot] = false;
    }
    return was;
  }

  /** Whether a slot is to be closed that nobody has any more. */
  boolean stale(int slot) {
    return known(slot) && stale[slot];
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

  /** The number of slots. */
  int size() {
    return slots.length;
  }

  /** Pages that are set aside, those left out that only those have who rest. */
  int reservedPages() {
    BitSet reserved = new BitSet();
    for (int i = 0; i < slots.length; i++) {
      for (int page : resting(i) == null ? pages[i] : new int[0]) {
        reserved.set(page);
      }
    }
    return reserved.cardinality();
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

  /** The lowest free slot; -1 where there is none. */
  int freeSlot() {
    for (int i = 0; i < slots.length; i++) {
      if (free(i)) {
        return i;
      }
    }
    return -1;
  }
}
