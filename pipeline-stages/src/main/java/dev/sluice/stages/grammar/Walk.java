package dev.sluice.stages.grammar;

import dev.sluice.stages.grammar.Automaton.Node;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One step from a {@link Position}: collects where its ways lead. */
final class Walk {
  /** Most ways of one position. */
  static final int MAX_WAYS = 2_048;

  /** What entering or leaving a rule costs, of an {@link Effort}. */
  private static final int COST = 100;

  private final Automaton automaton;
  private final Effort effort;
  private final Set<Frame> ways = new LinkedHashSet<>();
  private final Set<Frame> entered = new LinkedHashSet<>();
  private final Deque<Frame> open = new ArrayDeque<>();
  private boolean complete;

  private Walk(Automaton automaton, Effort effort) {
    this.automaton = automaton;
    this.effort = effort;
  }

  /** Where a text begins that a rule matches from one of its nodes on. */
  static Position start(Automaton automaton, int node, Effort effort) {
    Walk walk = new Walk(automaton, effort);
    walk.arrive(node, null);
    return walk.position();
  }

  /**
   * Behind one more byte.
   *
   * @param value of the byte, from 0 to 255
   */
  static Position afterByte(Automaton automaton, Position from, int value, Effort effort) {
    Walk walk = new Walk(automaton, effort);
    from.ways().forEach(walk::enter);
    for (Frame way = walk.open.poll(); way != null; way = walk.open.poll()) {
      walk.takeByte(way, value);
      walk.call(way);
    }
    return walk.position();
  }

  /** Behind one more token, by the edges that take whole tokens. */
  static Position afterToken(
      Automaton automaton, Position from, TokenVocabulary vocabulary, int token, Effort effort) {
    Walk walk = new Walk(automaton, effort);
    from.ways().forEach(walk::enter);
    for (Frame way = walk.open.poll(); way != null; way = walk.open.poll()) {
      for (Automaton.TokenEdge edge : automaton.node(way.node).tokens()) {
        if (vocabulary.takes(edge, token)) {
          walk.arrive(edge.target(), way.below);
        }
      }
      walk.call(way);
    }
    return walk.position();
  }

  /** All that stands at the beginning of a way: the way itself, and the rules that it calls. */
  static Set<Frame> heads(Automaton automaton, Frame from, Effort effort) {
    Walk walk = new Walk(automaton, effort);
    walk.enter(from);
    for (Frame way = walk.open.poll(); way != null; way = walk.open.poll()) {
      walk.call(way);
    }
    return walk.entered;
  }

  private Position position() {
    return fits() ? new Position(ways, complete) : Position.NOWHERE;
  }

  private boolean fits() {
    return complete || !ways.isEmpty();
  }

  private void takeByte(Frame way, int value) {
    Node node = automaton.node(way.node);
    int[] ranges = node.ranges();
    for (int i = 0; i < ranges.length; i++) {
      if (value >= ranges[i] >>> Short.SIZE && value <= (ranges[i] & 0xFF)) {
        arrive(node.targets()[i], way.below);
      }
    }
  }

  /** Enters what a node calls; where nothing follows a call, it comes back to the caller's own. */
  private void call(Frame way) {
    Node node = automaton.node(way.node);
    for (int i = 0; i < node.callees().length; i++) {
      int back = node.returns()[i];
      Frame below = automaton.node(back).goesOn() ? new Frame(back, way.below) : way.below;
      enter(new Frame(node.callees()[i], below));
    }
  }

  private void enter(Frame way) {
    effort.spend(COST);
    if (entered.add(way)) {
      open.add(way);
    }
  }

  private void arrive(int target, @Nullable Frame under) {
    int index = target;
    Frame below = under;
    while (true) {
      effort.spend(COST);
      Node node = automaton.node(index);
      if (node.goesOn()) {
        ways.add(new Frame(index, below));
        if (ways.size() > MAX_WAYS) {
          throw new GrammarException(
              "the grammar is too ambiguous: more than %d of its ways fit the same text"
                  .formatted(MAX_WAYS));
        }
      }
      if (!node.end()) {
        return;
      }
      if (below == null) {
        complete = true;
        return;
      }
      index = below.node;
      below = below.below;
    }
  }
}
