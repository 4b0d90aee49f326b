package dev.sluice.actors.placement;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.shard.LayerRange;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What the planner wants, put as questions to a {@link NodeOrderSearch}. First the shortest period
 * (see {@link ClusterPlan#periodNanos}) with room for the wanted tokens. Then, among arrangements
 * whose period is at most {@link #SLACK} of it, room for the most tokens, up to {@link #ROOMY}
 * times those wanted; of these the one with the fewest bytes to move, where something is in place,
 * and the shortest way of a token: so a node that brings next to nothing is left out. Last, its
 * ranges are evened out.
 */
final class PlacementSearch {
  static final double SLACK = 1.05;
  static final int ROOMY = 8;

  private static final int MEGABYTE_BITS = 20;
  private static final int NANO_BITS = 40;

  private final NodeCosts costs;
  private final NodeOrderSearch search;
  private final long wantedTokens;

  PlacementSearch(NodeCosts costs, NodeOrderSearch search, long wantedTokens) {
    this.costs = costs;
    this.search = search;
    this.wantedTokens = wantedTokens;
  }

  /**
   * The arrangement to take, or nothing where none has room for the wanted tokens.
   *
   * @param held the layers that each node has already; an empty list where that does not matter
   */
  Optional<Arrangement> best(List<LayerRange> held) {
    return shortestPeriod()
        .map(
            shortest -> {
              long limit = (long) (period(shortest) * SLACK);
              long tokens = mostTokens(shortest, limit);
              return held.isEmpty()
                  ? evened(shortestWay(limit, tokens), limit, tokens)
                  : fewestMoves(held, limit, tokens);
            });
  }

  /** The arrangement of the shortest period with room for the wanted tokens. */
  Optional<Arrangement> shortestPeriod() {
    Optional<Arrangement> start = search.cheapest(fitting(wantedTokens), costs.hops());
    if (start.isEmpty()) {
      return start;
    }
    Arrangement best = start.get();
    // No way is shorter, and no more than one micro-batch for each stage, and one, are under way.
    long low = Math.ceilDiv(best.sum(), Math.min(costs.nodes(), costs.layers()) + 1);
    long high = period(best);
    while (low < high) {
      long middle = low + (high - low) / 2;
      Optional<Arrangement> found = within(middle, wantedTokens);
      if (found.isPresent()) {
        best = found.get();
        high = Math.min(middle, period(best));
      } else {
        low = middle + 1;
      }
    }
    return Optional.of(best);
  }

  /** Room for the most tokens, as far as that is of use, at a period of at most {@code limit}. */
  long mostTokens(Arrangement start, long limit) {
    long high = Math.multiplyExact(wantedTokens, ROOMY);
    long low = Math.min(high, tokens(start));
    while (low < high) {
      long middle = low + (high - low + 1) / 2;
      Optional<Arrangement> found = within(limit, middle);
      if (found.isPresent()) {
        low = Math.min(high, tokens(found.get()));
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /**
   * An arrangement with a period of at most {@code limit}, if there is one: no stage takes longer,
   * and the way no longer than {@code stages + 1} times the limit, which is to say that what the
   * stages and hops take beyond the limit adds up to at most the limit.
   */
  Optional<Arrangement> within(long limit, long tokens) {
    Partition.StageCost fitting = fitting(limit, tokens);
    return search
        .cheapest(
            (node, first, end) -> {
              long nanos = fitting.of(node, first, end);
              return nanos == Partition.INFEASIBLE ? nanos : nanos - limit;
            },
            costs.hops())
        .filter(arrangement -> arrangement.sum() <= limit);
  }

  private Arrangement shortestWay(long limit, long tokens) {
    return search
        .cheapest(fitting(limit, tokens), costs.hops())
        .filter(arrangement -> period(arrangement) <= limit)
        .orElseGet(() -> within(limit, tokens).orElseThrow());
  }

  private Arrangement fewestMoves(List<LayerRange> held, long limit, long tokens) {
    Partition.StageCost fitting = fitting(limit, tokens);
    return search
        .cheapest(
            (node, first, end) -> {
              long nanos = fitting.of(node, first, end);
              long bytes = costs.missingBytes(first, end, held.get(node));
              return nanos == Partition.INFEASIBLE
                  ? nanos
                  : Math.ceilDiv(bytes, 1L << MEGABYTE_BITS) * (1L << NANO_BITS) + nanos;
            },
            costs.hops())
        .filter(arrangement -> period(arrangement) <= limit)
        .orElseGet(() -> within(limit, tokens).orElseThrow());
  }

  /**
   * The same nodes in the same order, with the layers shared out more evenly where that is good.
   */
  private Arrangement evened(Arrangement found, long limit, long tokens) {
    Partition.StageCost fitting = fitting(limit, tokens);
    Partition.StageCost cost = (stage, first, end) -> fitting.of(found.nodes()[stage], first, end);
    long slowest = Partition.bottleneck(costs.layers(), found.stages(), cost);
    int[] cuts = Partition.evenest(costs.layers(), found.stages(), cost, slowest);
    Arrangement even = new Arrangement(found.nodes(), cuts, found.sum());
    return period(even) <= limit ? even : found;
  }

  private Partition.StageCost fitting(long tokens) {
    return fitting(Long.MAX_VALUE - 1, tokens);
  }

  /** A range's time, where it is within the limit and so many tokens fit. */
  private Partition.StageCost fitting(long limit, long tokens) {
    return (node, first, end) -> {
      long nanos = costs.nanos(node, first, end);
      return nanos <= limit && costs.tokensThatFit(node, first, end) >= tokens
          ? nanos
          : Partition.INFEASIBLE;
    };
  }

  /** The tokens that fit an arrangement. */
  long tokens(Arrangement arrangement) {
    long fewest = Long.MAX_VALUE;
    int[] cuts = arrangement.cuts();
    for (int i = 0; i < arrangement.stages(); i++) {
      fewest = Math.min(fewest, costs.tokensThatFit(arrangement.nodes()[i], cuts[i], cuts[i + 1]));
    }
    return fewest;
  }

  /** The period of an arrangement, as {@link ClusterPlan#periodNanos} defines it. */
  long period(Arrangement arrangement) {
    int stages = arrangement.stages();
    int[] nodes = arrangement.nodes();
    int[] cuts = arrangement.cuts();
    long slowest = 0;
    long way = 0;
    for (int i = 0; i < stages; i++) {
      long nanos = costs.nanos(nodes[i], cuts[i], cuts[i + 1]);
      slowest = Math.max(slowest, nanos);
      way += nanos + costs.hops()[nodes[i]][nodes[(i + 1) % stages]];
    }
    return Math.max(slowest, Math.ceilDiv(way, stages + 1));
  }

  /** The layers that each of some nodes holds by a previous placement, none where it has none. */
  static List<LayerRange> held(List<NodeOffer> nodes, List<PlacedRange> previous) {
    LayerRange[] held = new LayerRange[nodes.size()];
    Arrays.fill(held, new LayerRange(0, 0));
    for (PlacedRange placed : previous) {
      for (int i = 0; i < held.length; i++) {
        if (nodes.get(i).name().equals(placed.node())) {
          held[i] = placed.range();
        }
      }
    }
    return List.of(held);
  }
}
