package dev.sluice.actors.placement;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import java.util.Locale;
import java.util.Optional;

/** Says why nothing fits: the placement that lacks the fewest bytes, and what would help. */
final class LackOfMemory {
  private final NodeCosts costs;
  private final NodeOrderSearch search;
  private final MemoryNeeds needs;
  private final int stages;

  LackOfMemory(NodeCosts costs, NodeOrderSearch search, MemoryNeeds needs, int stages) {
    this.costs = costs;
    this.search = search;
    this.needs = needs;
    this.stages = stages;
  }

  PlacementException exception() {
    long[][] noHops = new long[costs.nodes()][costs.nodes()];
    Arrangement closest =
        search
            .cheapest(
                (node, first, end) ->
                    Math.max(0, costs.lackingBytes(node, first, end, needs.kvTokens())),
                noHops)
            .orElseThrow(() -> new PlacementException("No order of the nodes could be tried."));
    StringBuilder text = new StringBuilder("The model does not fit");
    text.append(stages == 0 ? "" : " on " + stages + " stages");
    text.append(". In the closest placement ");
    String separator = "";
    for (int i = 0; i < closest.stages(); i++) {
      int node = closest.nodes()[i];
      StagePlan plan = costs.stagePlan(i, closest.cuts()[i], closest.cuts()[i + 1], 0);
      long missing = plan.totalBytes() - costs.node(node).memoryBytes();
      if (missing > 0) {
        text.append(
            String.format(
                Locale.ROOT,
                "%snode %s lacks %d bytes: its layers %s need %d (weights %d, KV cache %d, buffers"
                    + " %d) and it has %d",
                separator,
                costs.node(node).name(),
                missing,
                plan.range(),
                plan.totalBytes(),
                plan.weightBytes(),
                plan.kvBytes(),
                plan.bufferBytes(),
                costs.node(node).memoryBytes()));
        separator = "; ";
      }
    }
    long fitting = tokensThatWouldFit();
    text.append(". Give it more memory or add a node");
    text.append(
        fitting > 0
            ? String.format(
                Locale.ROOT,
                ", or ask for less than the %d tokens of context at a time: %d would fit.",
                needs.kvTokens(),
                fitting)
            : ": not even weights and buffers fit.");
    return new PlacementException(text.toString());
  }

  /** The most tokens that some placement has room for; 0 where even the weights do not fit. */
  private long tokensThatWouldFit() {
    long low = 0;
    long high = Math.max(0, needs.kvTokens() - 1);
    while (low < high) {
      long middle = low + (high - low + 1) / 2;
      if (fits(middle)) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private boolean fits(long tokens) {
    Optional<Arrangement> found =
        search.cheapest(
            (node, first, end) ->
                costs.tokensThatFit(node, first, end) >= tokens ? 0 : Partition.INFEASIBLE,
            new long[costs.nodes()][costs.nodes()]);
    return found.isPresent();
  }
}
