package dev.sluice.stages.grammar;

import dev.sluice.stages.grammar.Automaton.TokenEdge;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens a way through a grammar allows next. What depends on the way's node alone is found
 * by one walk over the vocabulary's trie and kept; so are the places of the trie where the rule
 * ends, and only from there on it matters which node the rule comes back to, and so on down the
 * frames. So one answer serves all ways whose upper frames are equal, however deep they are.
 *
 * <p>For one thread. Whoever owns it watches {@link #bytes} and calls {@link #clear}; that changes
 * no answer.
 */
final class MaskTable {
  private static final int STATE_BYTES = 2_048;
  private static final int ENTRY_BYTES = 128;

  /**
   * What some upper frames of a way allow.
   *
   * @param allowed a bit for each token that these frames allow, those above included
   * @param exits nodes of the trie at which the lowest of these frames has ended
   * @param below entries with one more frame, by its node
   */
  @SuppressWarnings("ArrayRecordComponent") // read only
  private record Entry(long[] allowed, int[] exits, Map<Integer, Entry> below) {}

  /** A position of a frame whose lower frames are unknown, with what follows each byte. */
  private static final class State {
    final Position position;
    final @Nullable State[] next = new State[256];

    State(Position position) {
      this.position = position;
    }
  }

  private static final State NOWHERE = new State(Position.NOWHERE);

  private final Automaton automaton;
  private final TokenVocabulary vocabulary;
  private final Map<Integer, Entry> entries = new HashMap<>();
  private final Map<Position, State> states = new HashMap<>();
  private final State[] path;
  private int[] exits = new int[64];
  private int exitCount;
  private long bytes;

  MaskTable(Automaton automaton, TokenVocabulary vocabulary) {
    this.automaton = automaton;
    this.vocabulary = vocabulary;
    path = new State[vocabulary.deepest() + 1];
  }

  /** About how much memory it takes. */
  long bytes() {
    return bytes;
  }

  /** Forgets everything. */
  void clear() {
    entries.clear();
    states.clear();
    Arrays.fill(path, null);
    bytes = 0;
  }

  /** The tokens that a way allows, a bit each; not to be changed. */
  long[] allowed(Frame way, Effort effort) {
    Entry entry = entries.get(way.node);
    if (entry == null) {
      entry = top(way, effort);
      entries.put(way.node, entry);
    }
    for (Frame below = way.below; below != null && entry.exits.length > 0; below = below.below) {
      Entry deeper = entry.below.get(below.node);
      if (deeper == null) {
        deeper = deeper(entry, below.node, effort);
        entry.below.put(below.node, deeper);
      }
      entry = deeper;
    }
    return entry.allowed;
  }

  private Entry top(Frame way, Effort effort) {
    long[] allowed = new long[(vocabulary.size() + Long.SIZE - 1) / Long.SIZE];
    exitCount = 0;
    Frame alone = new Frame(way.node, null);
    State start = state(new Position(Set.of(alone), false));
    walk(start, 0, vocabulary.nodes(), 0, allowed, effort);
    if (automaton.takesTokens()) {
      for (Frame head : Walk.heads(automaton, alone, effort)) {
        for (TokenEdge edge : automaton.node(head.node).tokens()) {
          allow(edge, allowed, effort);
        }
      }
    }
    return entry(allowed);
  }

  private void allow(TokenEdge edge, long[] allowed, Effort effort) {
    int id = vocabulary.id(edge);
    if (!edge.negated()) {
      if (!vocabulary.ends(id)) {
        allowed[id >> 6] |= 1L << id;
      }
      return;
    }
    effort.spend(vocabulary.size());
    for (int token = 0; token < vocabulary.size(); token++) {
      if (vocabulary.takes(edge, token)) {
        allowed[token >> 6] |= 1L << token;
      }
    }
  }

  private Entry deeper(Entry above, int node, Effort effort) {
    long[] allowed = above.allowed.clone();
    exitCount = 0;
    State start = state(Walk.start(automaton, node, effort));
    for (int exit : above.exits) {
      if (start.position.complete()) {
        addExit(exit);
      }
      walk(start, exit + 1, vocabulary.subtreeEnd(exit), vocabulary.depth(exit), allowed, effort);
    }
    return entry(allowed);
  }

  private Entry entry(long[] allowed) {
    bytes += ENTRY_BYTES + 8L * allowed.length + 4L * exitCount;
    return new Entry(allowed, Arrays.copyOf(exits, exitCount), new HashMap<>());
  }

  /** Follows the tokens in a range of the trie from a state at a depth. */
  private void walk(State start, int from, int to, int depth, long[] allowed, Effort effort) {
    path[depth] = start;
    int node = from;
    while (node < to) {
      effort.spend(1);
      int here = vocabulary.depth(node);
      State state = next(path[here - 1], vocabulary.label(node), effort);
      if (state == NOWHERE) {
        node = vocabulary.subtreeEnd(node);
        continue;
      }
      for (int token = vocabulary.firstToken(node); token >= 0; ) {
        allowed[token >> 6] |= 1L << token;
        token = vocabulary.nextToken(token);
      }
      if (state.position.complete()) {
        addExit(node);
      }
      if (state.position.ways().isEmpty()) {
        node = vocabulary.subtreeEnd(node);
      } else {
        path[here] = state;
        node++;
      }
    }
  }

  private State next(State state, int label, Effort effort) {
    State next = state.next[label];
    if (next == null) {
      next = state(Walk.afterByte(automaton, state.position, label, effort));
      state.next[label] = next;
    }
    return next;
  }

  private State state(Position position) {
    if (!position.fits()) {
      return NOWHERE;
    }
    State known = states.get(position);
    if (known == null) {
      known = new State(position);
      states.put(position, known);
      bytes += STATE_BYTES + 64L * position.ways().size();
    }
    return known;
  }

  private void addExit(int node) {
    if (exitCount == exits.length) {
      exits = Arrays.copyOf(exits, 2 * exitCount);
    }
    exits[exitCount++] = node;
  }
}
