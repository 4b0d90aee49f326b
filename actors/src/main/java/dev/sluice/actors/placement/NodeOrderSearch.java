package dev.sluice.actors.placement;

import java.util.Arrays;
import java.util.Optional;

/** Finds out which nodes take which layers, in which order, at the smallest sum of costs. */
interface NodeOrderSearch {
  /**
   * The cheapest arrangement in which every layer is on one node, or nothing where all are
   * infeasible. The same arguments always give the same arrangement.
   *
   * @param cost of the layers {@code first} until before {@code end} on a node; may be negative;
   *     {@link Partition#INFEASIBLE} where it cannot hold them
   * @param hops what the link from a node to another costs; also from the last node to the first
   */
  Optional<Arrangement> cheapest(Partition.StageCost cost, long[][] hops);

  /**
   * The costs of all ranges on all nodes, {@code [node][first][length - 1]}; each row ends with the
   * longest range that the node can hold.
   */
  static long[][][] tabulate(Partition.StageCost cost, int nodes, int layers) {
    long[][][] costs = new long[nodes][layers][];
    long[] row = new long[layers];
    for (int node = 0; node < nodes; node++) {
      for (int first = 0; first < layers; first++) {
        int longest = 0;
        for (int end = first + 1; end <= layers; end++) {
          long own = cost.of(node, first, end);
          row[end - first - 1] = own;
          longest = own == Partition.INFEASIBLE ? longest : end - first;
        }
        costs[node][first] = Arrays.copyOf(row, longest);
      }
    }
    return costs;
  }

  /**
   * Nodes in the order of the pipeline and where the layers are cut.
   *
   * @param nodes indexes of the nodes
   * @param cuts {@code nodes.length + 1} ascending layers, from 0 to the number of layers
   * @param sum what it costs
   */
  @SuppressWarnings("ArrayRecordComponent") // within this package, never changed or compared
  record Arrangement(int[] nodes, int[] cuts, long sum) {
    int stages() {
      return nodes.length;
    }
  }
}
