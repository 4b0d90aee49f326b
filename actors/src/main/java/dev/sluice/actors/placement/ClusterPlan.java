package dev.sluice.actors.placement;

import dev.sluice.model.shard.LayerRange;
import java.util.Comparator;
import java.util.List;

/**
 * Which node runs which layers. Every layer is on exactly one stage, every stage has at least one
 * layer, and every node at most one stage. Immutable.
 *
 * @param stages in the order of the pipeline
 * @param spares nodes that are left out
 * @param kept whether stages of the previous placement were left where they are
 * @param why the plan in sentences
 */
public record ClusterPlan(List<PlacedStage> stages, List<Spare> spares, boolean kept, String why) {
  public ClusterPlan {
    stages = List.copyOf(stages);
    spares = List.copyOf(spares);
  }

  /** The nodes and their layers in the order of the pipeline. */
  public List<PlacedRange> placed() {
    return stages.stream().map(PlacedStage::placed).toList();
  }

  /** The layers of each stage in the order of the pipeline. */
  public List<LayerRange> ranges() {
    return stages.stream().map(stage -> stage.plan().range()).toList();
  }

  /** How many tokens fit at once, over all sequences: the fewest of all stages. */
  public long tokensThatFit() {
    return tightest().tokensThatFit();
  }

  /** The stage that has room for the fewest tokens. */
  public PlacedStage tightest() {
    return stages.stream().min(Comparator.comparingLong(PlacedStage::tokensThatFit)).orElseThrow();
  }

  /** The stage that takes longest. */
  public PlacedStage slowest() {
    return stages.stream().max(Comparator.comparingLong(PlacedStage::nanos)).orElseThrow();
  }

  /** The way of a micro-batch through all stages and links and back, in nanoseconds. */
  public long wayNanos() {
    return stages.stream().mapToLong(stage -> stage.nanos() + stage.hopNanos()).sum();
  }

  /**
   * The time from one micro-batch to the next when the pipeline is full, in nanoseconds: what the
   * slowest stage takes, or more where links are so slow that the micro-batches that may be under
   * way at a time, one more than stages, do not fill it.
   */
  public long periodNanos() {
    return Math.max(slowest().nanos(), Math.ceilDiv(wayNanos(), stages.size() + 1));
  }
}
