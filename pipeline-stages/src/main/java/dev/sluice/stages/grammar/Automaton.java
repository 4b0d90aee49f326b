package dev.sluice.stages.grammar;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A grammar as a recursive transition network over bytes: nodes, edges that take a byte, edges that
 * take a whole token, and calls, which enter the node of another rule and come back to a node of
 * their own when that rule has ended. Immutable.
 *
 * <p>No chain of calls comes back to where it began without taking a byte (no left recursion), and
 * from every node the end can be reached.
 */
final class Automaton {
  static final int ROOT = 0;

  private static final int[] NONE = {};

  /**
   * A node. The arrays are read only.
   *
   * @param ranges of bytes, low in the upper half and high in the lower
   * @param targets where they lead
   * @param callees nodes that calls enter
   * @param returns where they come back
   * @param tokens edges that take a token
   * @param end whether the rule may end here
   */
  @SuppressWarnings("ArrayRecordComponent") // read only
  record Node(
      int[] ranges,
      int[] targets,
      int[] callees,
      int[] returns,
      List<TokenEdge> tokens,
      boolean end) {
    static final Node END = new Node(NONE, NONE, NONE, NONE, List.of(), true);

    /** Whether anything can come next within the rule. */
    boolean goesOn() {
      return ranges.length > 0 || callees.length > 0 || !tokens.isEmpty();
    }
  }

  /** Takes one token by its id, or by its name; or any other one. */
  record TokenEdge(int id, @Nullable String name, boolean negated, int target) {}

  private final Node[] nodes;
  private final boolean takesTokens;

  Automaton(List<Node> nodes) {
    this.nodes = nodes.toArray(Node[]::new);
    takesTokens = nodes.stream().anyMatch(node -> !node.tokens().isEmpty());
  }

  Node node(int index) {
    return nodes[index];
  }

  int size() {
    return nodes.length;
  }

  /** Whether any edge takes a token by its id or name. */
  boolean takesTokens() {
    return takesTokens;
  }
}
