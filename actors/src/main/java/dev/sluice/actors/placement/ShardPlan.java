package dev.sluice.actors.placement;

import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * Which layers run on which stage. Every layer of the model is on exactly one stage and every stage
 * has at least one layer, or the plan does not exist. The slowest stage is as fast as any
 * contiguous split lets it be, and among those splits the most even one is taken; the same input
 * always gives the same plan. Immutable.
 */
public final class ShardPlan {
  /** Most stages of a pipeline: a limit on threads and links, beyond any model's use. */
  public static final int MAX_STAGES = 1024;

  private final List<StagePlan> stages;
  private final String why;

  private ShardPlan(List<StagePlan> stages, String why) {
    this.stages = List.copyOf(stages);
    this.why = why;
  }

  /**
   * Splits by cost alone.
   *
   * @param needs what the stages' memory is accounted for with, see {@link StagePlan}
   * @throws PlacementException when there are more stages than layers
   */
  public static ShardPlan of(ModelFootprint model, int stages, MemoryNeeds needs) {
    return of(ModelCosts.of(model, needs), stages, needs);
  }

  static ShardPlan of(ModelCosts model, int stages, MemoryNeeds needs) {
    checkStages(model, stages);
    long[] cost = prefix(model.relativeCosts());
    Partition.StageCost byCost = (stage, first, end) -> cost[end] - cost[first];
    return build(model, needs, stages, byCost);
  }

  /** The stages in the order of the pipeline. */
  public List<StagePlan> stages() {
    return stages;
  }

  /** The layers of each stage in the order of the pipeline. */
  public List<LayerRange> ranges() {
    return stages.stream().map(StagePlan::range).toList();
  }

  /** The stage that holds {@code layer}, or empty where the model has no such layer. */
  public OptionalInt stageOf(int layer) {
    return stages.stream()
        .filter(s -> s.range().contains(layer))
        .mapToInt(StagePlan::stage)
        .findFirst();
  }

  /** Why it is so, in sentences. */
  public String why() {
    return why;
  }

  @Override
  public String toString() {
    return "ShardPlan" + ranges();
  }

  private static ShardPlan build(
      ModelCosts model, MemoryNeeds needs, int stages, Partition.StageCost cost) {
    int layers = model.layers();
    long slowest = Partition.bottleneck(layers, stages, cost);
    int[] cuts = Partition.evenest(layers, stages, cost, slowest);
    long[] costs = new long[stages];
    double all = 0;
    for (int i = 0; i < stages; i++) {
      costs[i] = cost.of(i, cuts[i], cuts[i + 1]);
      all += costs[i];
    }
    List<StagePlan> plans = new ArrayList<>();
    int dearest = 0;
    for (int i = 0; i < stages; i++) {
      double share = all == 0 ? 1.0 / stages : costs[i] / all;
      plans.add(model.stagePlan(needs, i, cuts[i], cuts[i + 1], share));
      dearest = costs[i] > costs[dearest] ? i : dearest;
    }
    return new ShardPlan(plans, explain(model, plans, dearest));
  }

  private static String explain(ModelCosts model, List<StagePlan> plans, int dearest) {
    int layers = model.layers();
    int stages = plans.size();
    if (stages == 1) {
      return String.format(
          Locale.ROOT, "One stage holds all %d layers, the embedding and the output head.", layers);
    }
    double even = 100.0 / stages;
    double headShare = 100 * model.headShare();
    return String.format(
        Locale.ROOT,
        "%d layers over %d stages, each layer on exactly one. The cost of a stage is half its share"
            + " of the multiply-adds and half its share of the weight bytes read for one token; the"
            + " output head (%.1f %%) counts for the last stage, the embedding's row for the first."
            + " The slowest stage is %d (layers %s) with %.1f %% of the cost, %.1f %% being even:"
            + " the smallest slowest stage of all contiguous splits.",
        layers,
        stages,
        headShare,
        dearest,
        plans.get(dearest).range(),
        100 * plans.get(dearest).costShare(),
        even);
  }

  private static void checkStages(ModelCosts model, int stages) {
    if (stages < 1 || stages > MAX_STAGES) {
      throw new PlacementException(
          "A pipeline has from 1 to " + MAX_STAGES + " stages, not " + stages + ".");
    }
    if (stages > model.layers()) {
      throw new PlacementException(
          String.format(
              Locale.ROOT,
              "%d stages are more than the model's %d layers, and each stage needs at least one:"
                  + " use at most %d stages.",
              stages,
              model.layers(),
              model.layers()));
    }
  }

  private static long[] prefix(long[] values) {
    long[] sums = new long[values.length + 1];
    for (int i = 0; i < values.length; i++) {
      sums[i + 1] = sums[i] + values[i];
    }
    return sums;
  }
}
