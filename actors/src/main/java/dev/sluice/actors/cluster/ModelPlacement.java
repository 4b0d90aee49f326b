package dev.sluice.actors.cluster;

import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.Placement.Placed;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.actors.placement.ClusterPlanner;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.NodeOffer;
import dev.sluice.actors.placement.PlacedRange;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.arch.ModelSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Places one model over nodes that may all host its layers. The KV cache is to hold a whole context
 * for every stream; where there is no room for that, as much of it as there is, but one context at
 * least.
 */
final class ModelPlacement {
  private final String model;
  private final ModelFootprint footprint;
  private final PipelineSizes sizes;
  private final List<NodeReport> nodes;
  private final int stages;
  private final long wantedTokens;
  private final long logBytes;

  /**
   * @param model content id of its file
   * @param nodes that may host its layers
   * @param stages wanted; fewer where there are fewer nodes; 0 for as many as are good
   * @param options of the pipeline; of its activation log, what a stage keeps in memory counts
   */
  ModelPlacement(
      String model,
      ModelFootprint footprint,
      List<NodeReport> nodes,
      int stages,
      PipelineOptions options) {
    ModelSpec spec = footprint.spec();
    this.model = model;
    this.footprint = footprint;
    this.nodes = nodes;
    this.stages = Math.min(stages, Math.min(nodes.size(), footprint.layers()));
    sizes = options.sizes(spec.embeddingLength(), spec.vocabularySize(), spec.contextLength());
    wantedTokens = (long) sizes.contextTokens() * sizes.maxSequences();
    logBytes = options.activationLog().memoryBytes();
  }

  /** Leaves in place what ran before where it can. */
  Placed place(@Nullable EpochPlan previous) {
    List<PlacedRange> before = ranges(previous);
    ClusterPlan plan = roomiest(planner -> planner.plan(offers(), before));
    return placed(plan, before.isEmpty() ? null : previous);
  }

  /** The best there is now; among equals what moves least. */
  Placed rebalance(EpochPlan running) {
    return placed(roomiest(planner -> planner.replan(offers(), ranges(running))), null);
  }

  /** What {@link #rebalance} would do, beside what runs. */
  Outlook outlook(@Nullable EpochPlan running) {
    List<PlacedRange> before = ranges(running);
    return new Outlook(
        String.format(
            Locale.ROOT,
            "%s: %s, %d layers",
            footprint.spec().name(),
            footprint.spec().architecture().name().toLowerCase(Locale.ROOT),
            footprint.layers()),
        wantedTokens,
        sizes.kvType(),
        before.isEmpty() ? null : planner(wantedTokens).appraise(offers(), before).orElse(null),
        roomiest(planner -> planner.replan(offers(), before)));
  }

  /** With room for all that is wanted, or else for one context at least. */
  private ClusterPlan roomiest(Function<ClusterPlanner, ClusterPlan> plan) {
    try {
      return plan.apply(planner(wantedTokens));
    } catch (PlacementException e) {
      if (wantedTokens <= sizes.contextTokens()) {
        throw e;
      }
      return plan.apply(planner(sizes.contextTokens()));
    }
  }

  private ClusterPlanner planner(long tokens) {
    MemoryNeeds needs =
        new MemoryNeeds(
            tokens,
            sizes.kvType(),
            sizes.tokenBudget(),
            sizes.maxLogitRows(),
            logBytes,
            sizes.kvReplica());
    return ClusterPlanner.of(footprint, needs, stages);
  }

  private List<NodeOffer> offers() {
    return nodes.stream().map(n -> n.resources().offer()).toList();
  }

  /** Those of the same model. */
  private List<PlacedRange> ranges(@Nullable EpochPlan plan) {
    return plan == null || !plan.model().equals(model)
        ? List.of()
        : plan.stages().stream().map(s -> new PlacedRange(s.node().name(), s.range())).toList();
  }

  private Placed placed(ClusterPlan plan, @Nullable EpochPlan previous) {
    long fitting = Math.min(plan.tokensThatFit(), 1 << 30);
    long tokens = Math.min(wantedTokens, fitting);
    // As many as before where they still fit, so that no cache has to be made anew.
    if (previous != null && previous.sizes().kvTokens() <= fitting) {
      tokens = previous.sizes().kvTokens();
    }
    String why =
        tokens >= wantedTokens
            ? plan.why()
            : plan.why()
                + String.format(
                    Locale.ROOT,
                    " %d streams of %d tokens would need room for %d: requests beyond wait.",
                    sizes.maxSequences(),
                    sizes.contextTokens(),
                    wantedTokens);
    return new Placed(model, sizes.withKvTokens((int) tokens), places(plan), why);
  }

  private List<StagePlace> places(ClusterPlan plan) {
    Map<String, NodeReport> byName = new HashMap<>();
    nodes.forEach(n -> byName.put(n.resources().offer().name(), n));
    return plan.placed().stream()
        .map(
            placed -> {
              NodeReport node = Objects.requireNonNull(byName.get(placed.node()));
              return new StagePlace(node.node(), node.resources().data(), placed.range());
            })
        .toList();
  }
}
