package dev.sluice.actors;

import dev.sluice.actors.placement.ShardPlan;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ShardOptions;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * All that is needed to build a pipeline in this process, in any epoch.
 *
 * @param links the address of a link by its stream id
 */
record PipelineBlueprint(
    ShardPlan plan,
    ModelShape shape,
    PipelineOptions options,
    ShardFactory factory,
    Transport transport,
    IntFunction<LinkAddress> links,
    List<StageMonitor> monitors) {
  private static final int FIRST_STREAM = 1001;

  int stages() {
    return plan.ranges().size();
  }

  /** What stage {@code i} is to do. Every epoch has streams of its own. */
  ShardAssignment assignment(int stage, int epoch) {
    return new ShardAssignment(
        epoch,
        stage,
        stage == stages() - 1,
        shardOptions(plan.ranges().get(stage)),
        link(stage, epoch),
        link(stage + 1, epoch));
  }

  /** Link i goes to stage i; the one after the last stage's is the token link to the head. */
  LinkAddress link(int i, int epoch) {
    return links.apply(FIRST_STREAM + (epoch - 1) * (stages() + 1) + i);
  }

  ShardResources resources(int stage) {
    return new ShardResources(
        factory,
        transport,
        shape,
        monitors.get(stage),
        options.stepTimeout(),
        options.activationLog());
  }

  /** The scheduler's limits, given the caches of all stages. */
  SchedulerLimits limits(List<KvUsage> caches) {
    int pages = Integer.MAX_VALUE;
    int pageTokens = options.pageTokens();
    for (KvUsage cache : caches) {
      pages = Math.min(pages, cache.totalPages());
      pageTokens = cache.pageTokens();
    }
    return new SchedulerLimits(
        stages(),
        options.maxSequences(),
        options.maxWaiting(),
        shape.contextTokens(),
        pages,
        pageTokens,
        options.prefillChunk(),
        options.effectiveTokenBudget(),
        options.effectiveLogitRows(shape.vocabularySize()),
        shape.vocabularySize(),
        options.queueTimeout());
  }

  /** What a failure of a stage was, for the one who asked. */
  String failureText(int stage, int failure) {
    if (stage < 0 || stage >= monitors.size()) {
      return "stage " + stage + " failed with code " + failure;
    }
    StageMonitor monitor = monitors.get(stage);
    return monitor.name() + Failures.text(failure, monitor.lastFailure());
  }

  List<PipelineStats.Stage> stageStats() {
    List<PipelineStats.Stage> stats = new ArrayList<>();
    monitors.forEach(m -> stats.add(m.snapshot()));
    return stats;
  }

  private ShardOptions shardOptions(LayerRange range) {
    return new ShardOptions(
        range,
        options.kvType(),
        options.effectiveKvTokens(shape.contextTokens()),
        options.maxSequences(),
        options.effectiveTokenBudget(),
        options.effectiveLogitRows(shape.vocabularySize()),
        options.pageTokens(),
        shape.contextTokens(),
        options.adapters());
  }
}
