package dev.sluice.actors;

import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.StageLoad;
import dev.sluice.model.shard.LayerRange;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;

/**
 * Tells how busy the stages of a node are, out of counters that only rise. For one thread, which
 * takes a reading now and then.
 */
final class LoadMeter {
  /** What a share is taken over: long enough to hold several micro-batches. */
  private static final Duration WINDOW = Duration.ofSeconds(2);

  private static final int MAX_READINGS = 64;

  private record Reading(long time, List<PipelineStats.Stage> stages) {}

  private final ArrayDeque<Reading> readings = new ArrayDeque<>();

  /**
   * Takes a reading.
   *
   * @param now nanoseconds, ascending
   * @param stages at this moment
   * @param scheduling of the head, where it is here; else {@link PipelineStats.Scheduling#NONE}
   */
  NodeLoad read(long now, List<PipelineStats.Stage> stages, PipelineStats.Scheduling scheduling) {
    if (!readings.isEmpty() && !same(readings.getLast().stages, stages)) {
      readings.clear();
    }
    while (readings.size() >= MAX_READINGS || (readings.size() > 1 && old(second(), now))) {
      readings.removeFirst();
    }
    readings.addLast(new Reading(now, stages));
    Reading before = readings.getFirst();
    List<StageLoad> loads =
        stages.stream()
            .map(s -> new StageLoad(s.stage(), share(before, s, now), s.frames(), s.kv()))
            .toList();
    return new NodeLoad(
        loads,
        scheduling.running(),
        scheduling.waiting(),
        scheduling.recoveries(),
        scheduling.recomputedTokens(),
        scheduling.replayedTokens());
  }

  /** The first that is kept is the youngest that is older than the window. */
  private static boolean old(Reading reading, long now) {
    return now - reading.time >= WINDOW.toNanos();
  }

  private Reading second() {
    var all = readings.iterator();
    all.next();
    return all.next();
  }

  private static boolean same(List<PipelineStats.Stage> had, List<PipelineStats.Stage> has) {
    return places(had).equals(places(has));
  }

  private record Place(int stage, LayerRange range) {}

  private static List<Place> places(List<PipelineStats.Stage> stages) {
    return stages.stream().map(s -> new Place(s.stage(), s.range())).toList();
  }

  private static double share(Reading before, PipelineStats.Stage now, long time) {
    if (time <= before.time) {
      return 0;
    }
    long busy = now.busyNanos();
    for (PipelineStats.Stage then : before.stages) {
      if (then.stage() == now.stage()) {
        busy -= then.busyNanos();
      }
    }
    return Math.clamp((double) busy / (time - before.time), 0.0, 1.0);
  }
}
