package dev.sluice.actors.placement;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Turns an arrangement into a plan with its numbers and reasons. */
final class PlanWriter {
  private final NodeCosts costs;
  private final MemoryNeeds needs;
  private final int wantedStages;
  private final List<PlacedRange> previous;

  PlanWriter(NodeCosts costs, MemoryNeeds needs, int wantedStages, List<PlacedRange> previous) {
    this.costs = costs;
    this.needs = needs;
    this.wantedStages = wantedStages;
    this.previous = previous;
  }

  /** How an arrangement came about. */
  enum Origin {
    /** It is the best that was found. */
    BEST,
    /** It is the previous one, with spares in the place of lost nodes. */
    KEPT,
    /** It is what it is. */
    GIVEN
  }

  ClusterPlan write(Arrangement found, Origin origin) {
    List<PlacedStage> stages = stages(found);
    boolean kept = origin == Origin.KEPT;
    List<Spare> spares = origin == Origin.GIVEN ? List.of() : spares(stages, kept);
    ClusterPlan plan = new ClusterPlan(stages, spares, kept, "");
    return new ClusterPlan(stages, spares, kept, explain(plan, origin));
  }

  private List<PlacedStage> stages(Arrangement found) {
    int count = found.stages();
    long all = 0;
    for (int i = 0; i < count; i++) {
      all += costs.nanos(found.nodes()[i], found.cuts()[i], found.cuts()[i + 1]);
    }
    List<LayerRange> held = PlacementSearch.held(costs.offers(), previous);
    List<PlacedStage> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int node = found.nodes()[i];
      int first = found.cuts()[i];
      int end = found.cuts()[i + 1];
      long nanos = costs.nanos(node, first, end);
      stages.add(
          new PlacedStage(
              costs.node(node).name(),
              costs.stagePlan(i, first, end, all == 0 ? 1.0 / count : (double) nanos / all),
              costs.node(node).memoryBytes(),
              costs.decodeNanos(node, first, end),
              costs.promptNanos(node, first, end),
              costs.hops()[node][found.nodes()[(i + 1) % count]],
              costs.tokensThatFit(node, first, end),
              costs.missingBytes(first, end, held.get(node))));
    }
    return stages;
  }

  private List<Spare> spares(List<PlacedStage> stages, boolean kept) {
    Set<String> used = new HashSet<>();
    stages.forEach(stage -> used.add(stage.node()));
    List<Spare> spares = new ArrayList<>();
    for (int i = 0; i < costs.nodes(); i++) {
      if (!used.contains(costs.node(i).name())) {
        spares.add(new Spare(costs.node(i).name(), reason(i, stages.size(), kept)));
      }
    }
    return spares;
  }

  private String reason(int node, int stages, boolean kept) {
    long lacking = Long.MAX_VALUE;
    for (int layer = 0; layer < costs.layers(); layer++) {
      lacking = Math.min(lacking, costs.lackingBytes(node, layer, layer + 1, needs.kvTokens()));
    }
    if (lacking > 0) {
      return "lacks " + lacking + " bytes for even one layer";
    }
    if (wantedStages != 0) {
      return stages + " stages are wanted, and the others are better for them";
    }
    if (stages == costs.layers()) {
      return "every layer has a node of its own already";
    }
    if (kept) {
      return "no range is free; it waits for one to be lost";
    }
    return String.format(
        Locale.ROOT,
        "with it the pipeline would be less than %.0f %% faster, and a token's way no shorter",
        100 * (PlacementSearch.SLACK - 1));
  }

  private String explain(ClusterPlan plan, Origin origin) {
    PlacedStage slowest = plan.slowest();
    PlacedStage tightest = plan.tightest();
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%d layers over %d of %d nodes%s.",
            costs.layers(),
            plan.stages().size(),
            costs.nodes(),
            method(origin)));
    text.append(
        String.format(
            Locale.ROOT,
            " A stage's time is that for one generated token and %d of prompts, at the nodes'"
                + " speeds; the slowest is stage %d on %s (layers %s) with %s.",
            ClusterPlanner.PROMPT_TOKENS,
            slowest.plan().stage(),
            slowest.node(),
            slowest.plan().range(),
            time(slowest.nanos())));
    if (plan.stages().size() > 1) {
      long hops = plan.stages().stream().mapToLong(PlacedStage::hopNanos).sum();
      text.append(
          String.format(
              Locale.ROOT,
              " The whole way takes %s, of which links take %s.",
              time(plan.wayNanos()),
              time(hops)));
      if (plan.periodNanos() > slowest.nanos()) {
        text.append(
            String.format(
                Locale.ROOT,
                " The links are so slow that stages wait: one result in %s.",
                time(plan.periodNanos())));
      }
    }
    if (tightest.tokensThatFit() < Long.MAX_VALUE) {
      text.append(
          String.format(
              Locale.ROOT,
              " %d tokens fit at once, bounded by stage %d on %s (%d bytes of keys and values a"
                  + " token); %d are wanted.",
              tightest.tokensThatFit(),
              tightest.plan().stage(),
              tightest.node(),
              tightest.plan().kvBytesPerToken(),
              needs.kvTokens()));
    }
    if (!previous.isEmpty() && origin != Origin.GIVEN) {
      long moved = plan.stages().stream().mapToLong(PlacedStage::movedBytes).sum();
      text.append(
          String.format(
              Locale.ROOT, " %d bytes of weights go to nodes that did not have them.", moved));
    }
    return text.toString();
  }

  private String method(Origin origin) {
    return switch (origin) {
      case BEST ->
          costs.nodes() <= ClusterPlanner.EXACT_NODES
              ? ", the best of all orders, subsets and cuts"
              : ", the best cut of a number of orders of the nodes";
      case KEPT -> ", left as they were, spares in the place of lost nodes";
      case GIVEN -> "";
    };
  }

  /** Nanoseconds as people read them. */
  private static String time(long nanos) {
    return nanos < 1_000_000
        ? String.format(Locale.ROOT, "%.1f µs", nanos / 1e3)
        : String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
  }
}
