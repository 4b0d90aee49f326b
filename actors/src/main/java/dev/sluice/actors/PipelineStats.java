package dev.sluice.actors;

import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;

/**
 * What a pipeline has done since it started, or, as {@link #since} gives it, between two moments.
 *
 * @param elapsedNanos the time that the counters cover
 * @param epoch how often the pipeline was built: 1 unless it had to be rebuilt
 * @param stages the stages in order
 * @param overlapNanos element k is the time during which exactly k stages computed at once; as many
 *     elements as stages, and one
 * @param scheduling requests and micro-batches
 */
public record PipelineStats(
    long elapsedNanos,
    int epoch,
    List<Stage> stages,
    List<Long> overlapNanos,
    Scheduling scheduling) {

  /**
   * One stage.
   *
   * @param stage its index
   * @param range its layers
   * @param busyNanos time spent computing
   * @param frames micro-batches computed
   * @param rows tokens computed
   * @param failures micro-batches during which the shard threw
   * @param hop from the previous stage's (for the first: the scheduler's) first offer of a
   *     micro-batch to its arrival here: queueing and back-pressure included
   * @param kv KV cache at the moment of the snapshot
   */
  public record Stage(
      int stage,
      LayerRange range,
      long busyNanos,
      long frames,
      long rows,
      long failures,
      LatencyCounts hop,
      KvUsage kv) {}

  /**
   * The scheduler. The first six are of the moment, the others count.
   *
   * @param running sequences in the pipeline
   * @param waiting requests that wait for a place
   * @param closing sequences that leave the pipeline
   * @param microBatchesInFlight micro-batches sent and not answered
   * @param reservedPages KV pages reserved for sequences that have not ended, on the stage that has
   *     the fewest
   * @param capacityPages KV pages of that stage
   * @param promptTokens prompt tokens sent
   * @param generatedTokens tokens sampled
   * @param microBatches micro-batches sent
   * @param maxInFlight most micro-batches that were in flight at once, since the start
   * @param finished requests that ended in good order
   * @param failed requests that failed or were refused
   * @param recoveries how often a sequence lost its pipeline and went on in the next
   * @param recomputedTokens tokens sent again because of that
   * @param replayedTokens tokens that only some of the stages computed again because of that
   * @param resting sequences that have ended and whose keys and values others may share, now
   * @param reusedTokens prompt tokens that were not sent because they were shared
   */
  public record Scheduling(
      int running,
      int waiting,
      int closing,
      int microBatchesInFlight,
      int reservedPages,
      int capacityPages,
      long promptTokens,
      long generatedTokens,
      long microBatches,
      int maxInFlight,
      long finished,
      long failed,
      long recoveries,
      long recomputedTokens,
      long replayedTokens,
      int resting,
      long reusedTokens) {
    /** Nothing happened yet. */
    public static final Scheduling NONE =
        new Scheduling(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  public PipelineStats {
    stages = List.copyOf(stages);
    overlapNanos = List.copyOf(overlapNanos);
  }

  /** The share of the covered time that stage {@code i} was computing, 0..1. */
  public double busyShare(int i) {
    return elapsedNanos <= 0 ? 0 : (double) stages.get(i).busyNanos() / elapsedNanos;
  }

  /** The share of the covered time during which at least {@code k} stages computed, 0..1. */
  public double overlapShare(int k) {
    long sum = overlapNanos.subList(k, overlapNanos.size()).stream().mapToLong(n -> n).sum();
    return elapsedNanos <= 0 ? 0 : (double) sum / elapsedNanos;
  }

  /** What happened after {@code earlier}, a snapshot of the same pipeline. */
  public PipelineStats since(PipelineStats earlier) {
    List<Stage> stageDifferences = new ArrayList<>();
    for (int i = 0; i < stages.size(); i++) {
      Stage now = stages.get(i);
      Stage then = earlier.stages.get(i);
      stageDifferences.add(
          new Stage(
              now.stage,
              now.range,
              now.busyNanos - then.busyNanos,
              now.frames - then.frames,
              now.rows - then.rows,
              now.failures - then.failures,
              now.hop.since(then.hop),
              now.kv));
    }
    List<Long> overlaps = new ArrayList<>();
    for (int k = 0; k < overlapNanos.size(); k++) {
      overlaps.add(overlapNanos.get(k) - earlier.overlapNanos.get(k));
    }
    Scheduling then = earlier.scheduling;
    return new PipelineStats(
        elapsedNanos - earlier.elapsedNanos,
        epoch,
        stageDifferences,
        overlaps,
        new Scheduling(
            scheduling.running,
            scheduling.waiting,
            scheduling.closing,
            scheduling.microBatchesInFlight,
            scheduling.reservedPages,
            scheduling.capacityPages,
            scheduling.promptTokens - then.promptTokens,
            scheduling.generatedTokens - then.generatedTokens,
            scheduling.microBatches - then.microBatches,
            scheduling.maxInFlight,
            scheduling.finished - then.finished,
            scheduling.failed - then.failed,
            scheduling.recoveries - then.recoveries,
            scheduling.recomputedTokens - then.recomputedTokens,
            scheduling.replayedTokens - then.replayedTokens,
            scheduling.resting,
            scheduling.reusedTokens - then.reusedTokens));
  }
}
