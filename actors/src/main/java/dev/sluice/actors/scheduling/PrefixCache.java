package dev.sluice.actors.scheduling;

import dev.sluice.actors.kept.KeptSlot;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds slots for requests, so that as much as possible of what they begin with is there already.
 *
 * <p>A sequence that has ended rests in its slot. A request that begins like a sequence that runs
 * or rests gets a slot of its own, which shares the pages of what the two have in common; where
 * there is no slot or are no pages for that, it takes the slot of the one that rests over. Whoever
 * has rested longest goes when slot or pages are needed. Keys and values of a position depend on
 * the tokens up to it alone, so nothing of this changes a token.
 */
final class PrefixCache {
  private final SchedulerLimits limits;
  private final SlotTable slots;
  private final LongSupplier oldestInFlight;
  private final SchedulerOutput output;
  private final SchedulingCounters counters;

  /**
   * @param oldestInFlight the number of the oldest micro-batch in flight; of the next one for none
   * @param output takes the CLOSE of those that go
   */
  PrefixCache(
      SchedulerLimits limits,
      SlotTable slots,
      LongSupplier oldestInFlight,
      SchedulerOutput output,
      SchedulingCounters counters) {
    this.limits = limits;
    this.slots = slots;
    this.oldestInFlight = oldestInFlight;
    this.output = output;
    this.counters = counters;
  }

  /** A sequence that begins like another one, and how far. */
  private record Match(Sequence sequence, int positions) {
    boolean rests() {
      return sequence.state == Sequence.State.RESTING;
    }
  }

  /**
   * Lets a sequence stay in its slot when it has ended.
   *
   * @param next the number of the next micro-batch
   * @return false where it has nothing for others
   */
  boolean rest(Sequence sequence, long next) {
    if (!limits.prefixCache()
        || sequence.state != Sequence.State.RUNNING
        || sequence.unreplayed() > 0
        || sequence.sent < limits.pageTokens()) {
      return false;
    }
    for (int slot = 0; slot < slots.size(); slot++) {
      Sequence other = slots.resting(slot);
      if (other != null && sequence.begins(other)) {
        evict(other);
      }
    }
    sequence.restedAt = next;
    slots.rest(sequence);
    return true;
  }

  /**
   * Gives a sequence that waits a slot and pages.
   *
   * @return null where there are none now; then it is to be tried again when anything came back
   */
  LinkCommand.@Nullable Open admit(Sequence sequence) {
    Match match = limits.prefixCache() ? longest(sequence) : null;
    int slot = slots.freeSlot();
    if (slot < 0) {
      return match != null && match.rests() ? takeOver(sequence, match) : makeSlot();
    }
    int shared = match == null ? 0 : match.positions() / limits.pageTokens();
    makePages(sequence.pages() - shared, match);
    if (slots.freePages() >= sequence.pages() - shared) {
      return match == null ? begin(sequence, slot) : share(sequence, slot, match);
    }
    return match != null && match.rests() ? takeOver(sequence, match) : null;
  }

  private LinkCommand.Open begin(Sequence sequence, int slot) {
    slots.take(sequence, slot);
    return sequence.admitted(new KeptSlot(slot, sequence.number(), 0, 0));
  }

  private LinkCommand.Open share(Sequence sequence, int slot, Match match) {
    slots.share(sequence, slot, match.sequence(), match.positions());
    return sequence.admittedSharing(match.sequence().slot, match.positions(), counters);
  }

  /** In place of the one that rests there, when nothing of that one is in flight any more. */
  private LinkCommand.@Nullable Open takeOver(Sequence sequence, Match match) {
    Sequence resting = match.sequence();
    if (oldestInFlight.getAsLong() < resting.restedAt) {
      return null;
    }
    int needed = sequence.pages() - match.positions() / limits.pageTokens();
    Sequence oldest;
    while (slots.freeWithout(resting, match.positions()) < needed
        && (oldest = oldest(match)) != null) {
      evict(oldest);
    }
    if (needed <= slots.freeWithout(resting, match.positions())) {
      return share(sequence, resting.slot, match);
    }
    // Pages that it has in common with those that run are of no help: without it there are more.
    evict(resting);
    return null;
  }

  /** Sees to it that a slot will be free, if anything can be done for it. */
  private LinkCommand.@Nullable Open makeSlot() {
    Sequence oldest = oldest(null);
    if (oldest != null && !slots.closing()) {
      evict(oldest);
    }
    return null;
  }

  /** Lets those go that have rested longest, the match left out, until there are so many pages. */
  private void makePages(int count, @Nullable Match match) {
    Sequence oldest;
    while (slots.freePages() < count && (oldest = oldest(match)) != null) {
      evict(oldest);
    }
  }

  private @Nullable Match longest(Sequence sequence) {
    Match best = null;
    for (int slot = 0; slot < slots.size(); slot++) {
      Sequence other = slots.at(slot);
      if (other != null) {
        int common = sequence.common(other);
        if (common >= limits.pageTokens() && (best == null || common > best.positions())) {
          best = new Match(other, common);
        }
      }
    }
    return best;
  }

  private @Nullable Sequence oldest(@Nullable Match match) {
    Sequence oldest = null;
    for (int slot = 0; slot < slots.size(); slot++) {
      Sequence resting = slots.resting(slot);
      boolean spared = match != null && resting == match.sequence();
      if (resting != null && !spared && (oldest == null || resting.restedAt < oldest.restedAt)) {
        oldest = resting;
      }
    }
    return oldest;
  }

  private void evict(Sequence resting) {
    slots.evict(resting);
    output.send(new LinkCommand.Close(resting.slot));
  }
}
