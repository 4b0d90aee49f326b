package dev.sluice.actors;

import dev.sluice.actors.coordination.Attachment;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.model.shard.ShardOptions;

/** What the parts of a node need to know of a plan. */
final class PlanParts {
  private PlanParts() {}

  static ModelShape shape(EpochPlan plan) {
    PipelineSizes sizes = plan.sizes();
    return new ModelShape(sizes.embeddingLength(), sizes.vocabularySize(), sizes.contextTokens());
  }

  static ShardAssignment assignment(EpochPlan plan, int stage, LinkPlan links) {
    PipelineSizes sizes = plan.sizes();
    ShardOptions options =
        new ShardOptions(
            plan.stages().get(stage).range(),
            sizes.kvType(),
            sizes.kvTokens(),
            sizes.maxSequences(),
            sizes.tokenBudget(),
            sizes.maxLogitRows(),
            sizes.pageTokens(),
            sizes.contextTokens());
    return new ShardAssignment(
        plan.epoch(),
        stage,
        stage == plan.stages().size() - 1,
        plan.model(),
        options,
        links.link(plan, stage),
        links.link(plan, stage + 1),
        links.replica(plan, stage));
  }

  static SchedulerLimits limits(EpochPlan plan, Attachment attachment) {
    PipelineSizes sizes = plan.sizes();
    return new SchedulerLimits(
        plan.stages().size(),
        sizes.maxSequences(),
        sizes.maxWaiting(),
        sizes.contextTokens(),
        attachment.capacityPages(),
        attachment.pageTokens(),
        sizes.prefillChunk(),
        sizes.tokenBudget(),
        sizes.maxLogitRows(),
        sizes.vocabularySize(),
        sizes.queueTimeout(),
        sizes.prefixCache());
  }
}
