package dev.sluice.actors.kept;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides, for every slot, up to which position its sequence is kept when an epoch follows on
 * another, and which stages compute these positions again: a function of what the stages hold.
 *
 * <p>For a number of positions, a stage that holds fewer is rebuilt. It is fed by the stage before
 * it, from its log; where the log does not reach so far, that stage is rebuilt too, and so on up to
 * the head, which can always feed the first stage with tokens. Of all numbers, the one is taken
 * that spares most: positions times stages that are not rebuilt.
 */
public final class KeptPositions {
  private KeptPositions() {}

  /**
   * Decides.
   *
   * @param stages what each stage has, in order; nothing for one that is new
   * @return one for every sequence of which a stage has something; two may name the same slot, of
   *     which at most one is still alive
   */
  public static List<KeptSlot> of(List<List<HeldSlot>> stages) {
    Map<List<Long>, KeptSlot> best = new LinkedHashMap<>();
    for (List<HeldSlot> stage : stages) {
      for (HeldSlot has : stage) {
        KeptSlot held = kept(stages, has.slot(), has.sequence(), has.held());
        KeptSlot logged = kept(stages, has.slot(), has.sequence(), has.logged());
        List<Long> key = List.of((long) has.slot(), has.sequence());
        best.merge(key, better(stages, held, logged), (a, b) -> better(stages, a, b));
      }
    }
    return List.copyOf(best.values());
  }

  /**
   * Decides for a head that does not know the sequences: they may come to it, and until then it
   * must set pages aside for what stages hold, so only that is kept of which no stage holds more
   * than a page beyond it.
   *
   * @return as {@link #of}
   */
  public static List<KeptSlot> forNewHead(List<List<HeldSlot>> stages, int pageTokens) {
    return of(stages).stream()
        .map(
            kept ->
                mostHeld(stages, kept) <= (long) kept.positions() + pageTokens
                    ? kept
                    : new KeptSlot(kept.slot(), kept.sequence(), 0, 0))
        .toList();
  }

  private static int mostHeld(List<List<HeldSlot>> stages, KeptSlot kept) {
    int most = 0;
    for (List<HeldSlot> stage : stages) {
      HeldSlot held = find(stage, kept.slot(), kept.sequence());
      most = held == null ? most : Math.max(most, held.held());
    }
    return most;
  }

  private static KeptSlot better(List<List<HeldSlot>> stages, KeptSlot a, KeptSlot b) {
    return spared(stages, b) > spared(stages, a) ? b : a;
  }

  private static KeptSlot kept(
      List<List<HeldSlot>> stages, int slot, long sequence, int positions) {
    int rebuilt = 0;
    boolean nextRebuilt = false;
    for (int k = stages.size() - 1; k >= 0; k--) {
      HeldSlot held = find(stages.get(k), slot, sequence);
      boolean lacks = held == null || held.held() < positions;
      boolean mute = held == null || held.logged() < positions;
      nextRebuilt = lacks || (nextRebuilt && mute);
      rebuilt |= nextRebuilt ? 1 << k : 0;
    }
    KeptSlot kept = new KeptSlot(slot, sequence, positions, rebuilt);
    boolean useful = stages.size() <= KeptSlot.MOST_STAGES && spared(stages, kept) > 0;
    return useful ? kept : new KeptSlot(slot, sequence, 0, 0);
  }

  private static long spared(List<List<HeldSlot>> stages, KeptSlot kept) {
    return (long) kept.positions() * (stages.size() - Integer.bitCount(kept.rebuilt()));
  }

  private static @Nullable HeldSlot find(List<HeldSlot> stage, int slot, long sequence) {
    for (HeldSlot held : stage) {
      if (held.slot() == slot && held.sequence() == sequence) {
        return held;
      }
    }
    return null;
  }
}
