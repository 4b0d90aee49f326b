package dev.sluice.actors.placement;

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
