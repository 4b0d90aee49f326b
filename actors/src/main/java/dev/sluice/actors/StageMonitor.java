package dev.sluice.actors;

import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ModelShard;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What a stage tells of itself. The runner's thread writes the counters, the shard's actor the
 * shard; any thread reads. Lives as long as the pipeline, over all epochs.
 */
final class StageMonitor {
  private static final KvUsage NO_KV = new KvUsage(0, 0, 0, 0, 0);

  private final int stage;
  private final LayerRange range;
  private final String where;
  private final BusyTracker overlap;
  private final LatencyHistogram hops = new LatencyHistogram();
  private final AtomicLong busyNanos = new AtomicLong();
  private final AtomicLong frames = new AtomicLong();
  private final AtomicLong rows = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private volatile @Nullable String lastFailure;
  private volatile @Nullable ModelShard shard;

  /**
   * @param where what follows the stage's name: nothing, or on which node it is
   */
  StageMonitor(int stage, LayerRange range, String where, BusyTracker overlap) {
    this.stage = stage;
    this.range = range;
    this.where = where;
    this.overlap = overlap;
  }

  int stage() {
    return stage;
  }

  LayerRange range() {
    return range;
  }

  void arrived(long sentNanos, long now) {
    hops.record(now - sentNanos);
  }

  void begin(long now) {
    overlap.begin(now);
  }

  void end(long begun, long now, int computedRows) {
    overlap.end(now);
    add(busyNanos, now - begun);
    add(frames, 1);
    add(rows, computedRows);
  }

  /** The shard threw; what it said is kept for whoever asks for the text of the failure. */
  void threw(Throwable cause) {
    lastFailure = describe(cause);
    add(failures, 1);
  }

  void shard(@Nullable ModelShard current) {
    shard = current;
  }

  /** {@code stage 1 (layers 4..8)}. */
  String name() {
    return "stage " + stage + " (layers " + range + ")" + where;
  }

  /** What the shard said when it threw last; null where it never did. */
  @Nullable String lastFailure() {
    return lastFailure;
  }

  PipelineStats.Stage snapshot() {
    ModelShard current = shard;
    return new PipelineStats.Stage(
        stage,
        range,
        busyNanos.get(),
        frames.get(),
        rows.get(),
        failures.get(),
        hops.snapshot(),
        current == null ? NO_KV : current.kvUsage());
  }

  /** Class and message of an exception, and of its causes. */
  static String describe(Throwable cause) {
    StringBuilder text = new StringBuilder();
    Throwable at = cause;
    for (int depth = 0; at != null && depth < 4; depth++) {
      text.append(depth == 0 ? "" : ", caused by ").append(at.getClass().getSimpleName());
      if (at.getMessage() != null) {
        text.append(": ").append(at.getMessage());
      }
      at = at.getCause();
    }
    return text.toString();
  }

  /** Single writer: no read-modify-write of the processor is needed. */
  private static void add(AtomicLong counter, long n) {
    counter.setRelease(counter.getPlain() + n);
  }
}
