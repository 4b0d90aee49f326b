package dev.sluice.actors.placement;

import java.util.Arrays;
import java.util.Optional;

/**
 * The exact search: dynamic programming over sets of nodes. What matters of the first stages is
 * which nodes they use, which of these is the last, and where the layers end; a first node is
 * fixed, since the way back leads to it. O(2^n n^3 L^2) at worst for n nodes and L layers; limits
 * on a stage's cost cut most of it.
 */
final class SubsetSearch implements NodeOrderSearch {
  /** Most nodes: beyond, the sets are too many. */
  static final int MAX_NODES = 8;

  private static final long NONE = Partition.INFEASIBLE;

  private final int layers;
  private final int nodes;
  private final int stages;
  private final long[] best;
  private final int[] from;

  /**
   * A search, for one thread.
   *
   * @param stages exactly so many; 0 for any number
   */
  SubsetSearch(int layers, int nodes, int stages) {
    if (nodes < 1 || nodes > MAX_NODES) {
      throw new IllegalArgumentException("exact for 1 to " + MAX_NODES + " nodes, not " + nodes);
    }
    this.layers = layers;
    this.nodes = nodes;
    this.stages = stages;
    best = new long[(1 << nodes) * nodes * (layers + 1)];
    from = new int[best.length];
  }

  @Override
  public Optional<Arrangement> cheapest(Partition.StageCost cost, long[][] hops) {
    long[][][] costs = NodeOrderSearch.tabulate(cost, nodes, layers);
    Optional<Arrangement> found = Optional.empty();
    for (int first = 0; first < nodes; first++) {
      expand(first, costs, hops);
      int end = -1;
      long sum = found.map(Arrangement::sum).orElse(NONE);
      for (int set = 1 << first; set < 1 << nodes; set++) {
        if (stages != 0 && Integer.bitCount(set) != stages) {
          continue;
        }
        for (int last = 0; last < nodes; last++) {
          int state = state(set, last, layers);
          long back = last == first ? 0 : hops[last][first];
          if (best[state] != NONE && best[state] + back < sum) {
            sum = best[state] + back;
            end = state;
          }
        }
      }
      if (end >= 0) {
        found = Optional.of(trace(end, sum));
      }
    }
    return found;
  }

  /** Fills in the best sums of all pipelines that begin on node {@code first}. */
  private void expand(int first, long[][][] costs, long[][] hops) {
    Arrays.fill(best, NONE);
    extend(-1, 0, 0, first, 0, costs);
    for (int set = 1 << first; set < 1 << nodes; set++) {
      if ((set & 1 << first) == 0 || (stages != 0 && Integer.bitCount(set) >= stages)) {
        continue;
      }
      for (int last = 0; last < nodes; last++) {
        for (int end = 1; end < layers; end++) {
          int state = state(set, last, end);
          if (best[state] == NONE) {
            continue;
          }
          for (int next = 0; next < nodes; next++) {
            if ((set & 1 << next) == 0) {
              extend(state, set, end, next, best[state] + hops[last][next], costs);
            }
          }
        }
      }
    }
  }

  /** Lets node {@code next} go on at layer {@code at}, as far as it can. */
  private void extend(int state, int set, int at, int next, long sum, long[][][] costs) {
    long[] row = costs[next][at];
    int target = state(set | 1 << next, next, at + 1);
    for (int i = 0; i < row.length; i++) {
      if (row[i] != NONE && sum + row[i] < best[target + i]) {
        best[target + i] = sum + row[i];
        from[target + i] = state;
      }
    }
  }

  private Arrangement trace(int end, long sum) {
    int set = end / (layers + 1) / nodes;
    int count = Integer.bitCount(set);
    int[] order = new int[count];
    int[] cuts = new int[count + 1];
    int state = end;
    for (int i = count - 1; i >= 0; i--) {
      order[i] = state / (layers + 1) % nodes;
      cuts[i + 1] = state % (layers + 1);
      state = from[state];
    }
    return new Arrangement(order, cuts, sum);
  }

  private int state(int set, int last, int end) {
    return (set * nodes + last) * (layers + 1) + end;
  }
}
