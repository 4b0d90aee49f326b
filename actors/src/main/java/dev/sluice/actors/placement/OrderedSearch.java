package dev.sluice.actors.placement;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * The search for more nodes than {@link SubsetSearch} can take: a heuristic. Within a given order
 * of the nodes the best subset and cuts are found by dynamic programming; only the way back to the
 * first node is added afterwards. The orders are the nodes by speed, by memory, by chains of
 * nearest neighbours, and some drawn at random with a fixed seed. The best of them is improved by
 * moving one node at a time to another place, as long as that helps and a limit on the work allows.
 * What was improved once is tried first the next time.
 */
final class OrderedSearch implements NodeOrderSearch {
  private static final long NONE = Partition.INFEASIBLE;
  private static final int SHUFFLES = 6;
  private static final int CHAINS = 4;
  private static final int MAX_ORDERS = 24;

  /** Steps of dynamic programming that improving may take in one call. */
  private static final long STEPS = 4_000_000;

  private final int layers;
  private final int nodes;
  private final int stages;
  private final List<int[]> orders = new ArrayList<>();

  // By stages so far (only 0 where any number will do), place in the order of the last node, and
  // layers so far.
  private final long[] best;
  private final int[] from;
  private final int[] firstNode;
  private long steps;

  /**
   * A search, for one thread.
   *
   * @param stages exactly so many; 0 for any number
   * @param tokens that must fit: the first orders are improved until they do, where that is hard
   */
  OrderedSearch(NodeCosts costs, int stages, long tokens) {
    layers = costs.layers();
    nodes = costs.nodes();
    this.stages = stages;
    best = new long[(stages + 1) * nodes * (layers + 1)];
    from = new int[best.length];
    firstNode = new int[best.length];
    addOrders(costs);
    var _ =
        cheapest(
            (node, first, end) -> Math.max(0, costs.lackingBytes(node, first, end, tokens)),
            new long[nodes][nodes]);
  }

  private void addOrders(NodeCosts costs) {
    Comparator<Integer> bySpeed = Comparator.comparingLong(node -> costs.nanos(node, 0, layers));
    Comparator<Integer> byMemory =
        Comparator.comparingLong(node -> -costs.node(node).memoryBytes());
    List<Integer> all = new ArrayList<>();
    for (int node = 0; node < nodes; node++) {
      all.add(node);
    }
    for (Comparator<Integer> comparator : List.of(byMemory, bySpeed)) {
      all.sort(comparator);
      orders.add(array(all));
      orders.add(array(all.reversed()));
    }
    for (int i = 0; i < Math.min(CHAINS, nodes); i++) {
      orders.add(chain(all.get(i), costs.hops()));
    }
    Random random = new Random(0);
    for (int i = 0; i < SHUFFLES; i++) {
      Collections.shuffle(all, random);
      orders.add(array(all));
    }
  }

  /** From a node on always to the nearest that is left. */
  private int[] chain(int first, long[][] hops) {
    int[] order = new int[nodes];
    boolean[] used = new boolean[nodes];
    int last = first;
    for (int i = 0; i < nodes; i++) {
      order[i] = last;
      used[last] = true;
      int nearest = -1;
      for (int node = 0; node < nodes; node++) {
        if (!used[node] && (nearest < 0 || hops[last][node] < hops[last][nearest])) {
          nearest = node;
        }
      }
      last = Math.max(0, nearest);
    }
    return order;
  }

  private static int[] array(List<Integer> order) {
    return order.stream().mapToInt(node -> node).toArray();
  }

  @Override
  public Optional<Arrangement> cheapest(Partition.StageCost cost, long[][] hops) {
    long[][][] costs = NodeOrderSearch.tabulate(cost, nodes, layers);
    Optional<Arrangement> found = Optional.empty();
    int[] order = orders.getFirst();
    for (int[] candidate : orders) {
      Optional<Arrangement> arranged = arrange(candidate, costs, hops, sum(found));
      if (arranged.isPresent()) {
        found = arranged;
        order = candidate;
      }
    }
    return found.isEmpty() ? found : Optional.of(improved(order, found.get(), costs, hops));
  }

  private static long sum(Optional<Arrangement> found) {
    return found.map(Arrangement::sum).orElse(NONE);
  }

  private Arrangement improved(int[] start, Arrangement found, long[][][] costs, long[][] hops) {
    Arrangement best = found;
    int[] order = start;
    boolean better = true;
    steps = 0;
    while (better) {
      better = false;
      for (int i = 0; i < nodes; i++) {
        for (int j = 0; j < nodes && steps < STEPS; j++) {
          int[] moved = moved(order, i, j);
          Optional<Arrangement> arranged = arrange(moved, costs, hops, best.sum());
          if (arranged.isPresent()) {
            best = arranged.get();
            order = moved;
            better = true;
          }
        }
      }
    }
    if (!Arrays.equals(order, start)) {
      orders.addFirst(order);
      if (orders.size() > MAX_ORDERS) {
        orders.removeLast();
      }
    }
    return best;
  }

  /** The order in which the node at place {@code i} stands at place {@code j}. */
  private static int[] moved(int[] order, int i, int j) {
    int[] moved = order.clone();
    if (i < j) {
      System.arraycopy(order, i + 1, moved, i, j - i);
    } else {
      System.arraycopy(order, j, moved, j + 1, i - j);
    }
    moved[j] = order[i];
    return moved;
  }

  /** The best arrangement of nodes in this order, if it is cheaper than {@code limit}. */
  private Optional<Arrangement> arrange(int[] order, long[][][] costs, long[][] hops, long limit) {
    Arrays.fill(best, NONE);
    for (int place = 0; place < nodes; place++) {
      extend(-1, stages == 0 ? 0 : 1, place, 0, 0, order, costs);
    }
    for (int count = 0; count < Math.max(1, stages); count++) {
      int next = stages == 0 ? 0 : count + 1;
      for (int place = 0; place < nodes; place++) {
        for (int end = 1; end < layers; end++) {
          int state = state(count, place, end);
          if (best[state] != NONE) {
            for (int later = place + 1; later < nodes; later++) {
              long sum = best[state] + hops[order[place]][order[later]];
              extend(state, next, later, end, sum, order, costs);
            }
          }
        }
      }
    }
    long cheapest = limit;
    int last = -1;
    for (int place = 0; place < nodes; place++) {
      int state = state(stages, place, layers);
      if (best[state] != NONE) {
        int first = firstNode[state];
        long sum = best[state] + (first == order[place] ? 0 : hops[order[place]][first]);
        if (sum < cheapest) {
          cheapest = sum;
          last = state;
        }
      }
    }
    return last < 0 ? Optional.empty() : Optional.of(trace(last, order, cheapest));
  }

  /** Lets the node at a place go on at layer {@code at}, as far as it can. */
  private void extend(
      int state, int count, int place, int at, long sum, int[] order, long[][][] costs) {
    long[] row = costs[order[place]][at];
    int target = state(count, place, at + 1);
    int first = state < 0 ? order[place] : firstNode[state];
    steps += row.length + 1L;
    for (int i = 0; i < row.length; i++) {
      if (row[i] != NONE && sum + row[i] < best[target + i]) {
        best[target + i] = sum + row[i];
        from[target + i] = state;
        firstNode[target + i] = first;
      }
    }
  }

  private Arrangement trace(int last, int[] order, long sum) {
    List<Integer> states = new ArrayList<>();
    for (int state = last; state >= 0; state = from[state]) {
      states.addFirst(state);
    }
    int[] used = new int[states.size()];
    int[] cuts = new int[states.size() + 1];
    for (int i = 0; i < used.length; i++) {
      used[i] = order[states.get(i) / (layers + 1) % nodes];
      cuts[i + 1] = states.get(i) % (layers + 1);
    }
    return new Arrangement(used, cuts, sum);
  }

  private int state(int count, int place, int end) {
    return (count * nodes + place) * (layers + 1) + end;
  }
}
