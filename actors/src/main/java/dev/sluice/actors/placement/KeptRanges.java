package dev.sluice.actors.placement;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Keeps a placement as it is and gives the ranges of lost nodes to spares: a matching of ranges to
 * spares that have memory for them, with the fastest possible slowest one.
 */
final class KeptRanges {
  private final NodeCosts costs;
  private final long tokens;

  KeptRanges(NodeCosts costs, long tokens) {
    this.costs = costs;
    this.tokens = tokens;
  }

  /**
   * The previous ranges on the previous nodes, and on spares for those that are gone; nothing where
   * a node has no memory for its range any more, there are too few spares that have, or the ranges
   * are not this model's.
   */
  Optional<Arrangement> of(List<PlacedRange> previous) {
    int stages = previous.size();
    if (!covers(previous, costs.layers())) {
      return Optional.empty();
    }
    Map<String, Integer> indexes = new HashMap<>();
    for (int i = 0; i < costs.nodes(); i++) {
      indexes.put(costs.node(i).name(), i);
    }
    int[] nodes = new int[stages];
    int[] cuts = new int[stages + 1];
    List<Integer> lost = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      PlacedRange placed = previous.get(stage);
      cuts[stage + 1] = placed.range().end();
      Integer node = indexes.remove(placed.node());
      if (node == null) {
        lost.add(stage);
      } else if (fits(node, cuts, stage)) {
        nodes[stage] = node;
      } else {
        return Optional.empty();
      }
    }
    List<Integer> spares = indexes.values().stream().sorted().toList();
    return matched(lost, spares, cuts)
        .map(
            taken -> {
              for (int i = 0; i < taken.length; i++) {
                nodes[lost.get(i)] = taken[i];
              }
              return new Arrangement(nodes, cuts, 0);
            });
  }

  /** Whether each layer is on exactly one stage, and each stage has one. */
  static boolean covers(List<PlacedRange> previous, int layers) {
    int next = 0;
    for (PlacedRange placed : previous) {
      if (placed.range().first() != next || placed.range().size() == 0) {
        return false;
      }
      next = placed.range().end();
    }
    return next == layers && layers > 0;
  }

  private boolean fits(int node, int[] cuts, int stage) {
    return costs.tokensThatFit(node, cuts[stage], cuts[stage + 1]) >= tokens;
  }

  /** The spare of each lost range; the slowest of them as fast as can be. */
  private Optional<int[]> matched(List<Integer> lost, List<Integer> spares, int[] cuts) {
    long[] times =
        lost.stream()
            .flatMapToLong(stage -> spares.stream().mapToLong(node -> nanos(node, cuts, stage)))
            .filter(nanos -> nanos != Partition.INFEASIBLE)
            .sorted()
            .distinct()
            .toArray();
    if (lost.isEmpty()) {
      return Optional.of(new int[0]);
    }
    int low = 0;
    int high = times.length;
    Optional<int[]> best = Optional.empty();
    while (low < high) {
      int middle = (low + high) >>> 1;
      Optional<int[]> found = new Matching(lost, spares, cuts, times[middle]).find();
      if (found.isPresent()) {
        best = found;
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return best;
  }

  private long nanos(int node, int[] cuts, int stage) {
    return fits(node, cuts, stage)
        ? costs.nanos(node, cuts[stage], cuts[stage + 1])
        : Partition.INFEASIBLE;
  }

  /** Augmenting paths: a spare that is wanted twice is passed on if its holder finds another. */
  private final class Matching {
    private final List<Integer> lost;
    private final List<Integer> spares;
    private final int[] cuts;
    private final long limit;
    private final int[] holder; // [spare]: index of a lost range, or -1

    Matching(List<Integer> lost, List<Integer> spares, int[] cuts, long limit) {
      this.lost = lost;
      this.spares = spares;
      this.cuts = cuts;
      this.limit = limit;
      holder = new int[spares.size()];
      Arrays.fill(holder, -1);
    }

    Optional<int[]> find() {
      for (int range = 0; range < lost.size(); range++) {
        if (!place(range, new boolean[holder.length])) {
          return Optional.empty();
        }
      }
      int[] taken = new int[lost.size()];
      for (int spare = 0; spare < holder.length; spare++) {
        if (holder[spare] >= 0) {
          taken[holder[spare]] = spares.get(spare);
        }
      }
      return Optional.of(taken);
    }

    private boolean place(int range, boolean[] tried) {
      for (int spare = 0; spare < holder.length; spare++) {
        if (!tried[spare] && nanos(spares.get(spare), cuts, lost.get(range)) <= limit) {
          tried[spare] = true;
          if (holder[spare] < 0 || place(holder[spare], tried)) {
            holder[spare] = range;
            return true;
          }
        }
      }
      return false;
    }
  }
}
