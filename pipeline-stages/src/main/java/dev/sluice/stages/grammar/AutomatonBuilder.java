package dev.sluice.stages.grammar;

import dev.sluice.stages.grammar.Automaton.Node;
import dev.sluice.stages.grammar.Automaton.TokenEdge;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedSet;
import java.util.Set;

/**
 * Makes an {@link Automaton} of rules: each rule a network with empty edges (Thompson, Regular
 * Expression Search Algorithm, 1968), then the empty edges away.
 */
final class AutomatonBuilder {
  /** Most nodes and edges of a grammar, repetitions written out. */
  static final int MAX_NODES = 200_000;

  static final int MAX_EDGES = 1_000_000;

  /** A node on the way: edges by kind. */
  private static final class Draft {
    final List<Integer> empty = new ArrayList<>(1);
    final SequencedSet<ByteEdge> bytes = new LinkedHashSet<>(2);
    final SequencedSet<Call> calls = new LinkedHashSet<>(1);
    final SequencedSet<TokenEdge> tokens = new LinkedHashSet<>(1);
  }

  private record ByteEdge(int low, int high, int target) {}

  private record Call(String rule, int back) {}

  private record Network(GbnfParser.Rule rule, int start, int end) {}

  private final GbnfParser.Rules rules;
  private final List<Draft> drafts = new ArrayList<>();
  private final Map<String, Network> networks = new LinkedHashMap<>();
  private Set<String> nullable = Set.of(); // rules that the empty text matches
  private int edges;

  private AutomatonBuilder(GbnfParser.Rules rules) {
    this.rules = rules;
  }

  /**
   * The automaton of the rules that root needs.
   *
   * @throws GrammarException where they are too large, or a rule begins with itself or never ends
   */
  static Automaton build(GbnfParser.Rules rules) {
    return new AutomatonBuilder(rules).build();
  }

  private Automaton build() {
    Deque<String> open = new ArrayDeque<>(List.of("root"));
    while (!open.isEmpty()) {
      String name = open.remove();
      if (networks.containsKey(name)) {
        continue;
      }
      GbnfParser.Rule rule = Objects.requireNonNull(rules.byName().get(name));
      Network network = new Network(rule, node(), node());
      networks.put(name, network);
      int from = drafts.size();
      draw(rule.body(), network.start, network.end);
      calls(network.start).forEach(call -> open.add(call.rule));
      for (int i = from; i < drafts.size(); i++) {
        calls(i).forEach(call -> open.add(call.rule));
      }
    }
    nullable = ending(true);
    refuseEndless();
    return new EmptyEdges().away();
  }

  private Collection<Call> calls(int node) {
    return drafts.get(node).calls;
  }

  private int node() {
    if (drafts.size() == MAX_NODES) {
      throw tooLarge();
    }
    drafts.add(new Draft());
    return drafts.size() - 1;
  }

  private void count() {
    if (++edges > MAX_EDGES) {
      throw tooLarge();
    }
  }

  private GrammarException tooLarge() {
    return new GrammarException(
        "the grammar is too large: with repetitions written out it has more than %d places or %d ways"
            .formatted(MAX_NODES, MAX_EDGES));
  }

  /** Adds what leads from a node to another by an expression; nothing comes back to the first. */
  private void draw(Expression expression, int from, int to) {
    count();
    switch (expression) {
      case Expression.Text(byte[] utf8) -> text(utf8, from, to);
      case Expression.Characters(CodePoints set) -> characters(set, from, to);
      case Expression.Reference reference ->
          drafts.get(from).calls.add(new Call(reference.rule(), to));
      case Expression.Token token ->
          drafts.get(from).tokens.add(new TokenEdge(token.id(), token.name(), token.negated(), to));
      case Expression.Choice(List<Expression> alternatives) ->
          alternatives.forEach(alternative -> draw(alternative, from, to));
      case Expression.Sequence(List<Expression> parts) -> sequence(parts, from, to);
      case Expression.Repeat repeat -> repeat(repeat, from, to);
    }
  }

  private void text(byte[] utf8, int from, int to) {
    int at = from;
    for (int i = 0; i < utf8.length; i++) {
      int next = i == utf8.length - 1 ? to : node();
      drafts.get(at).bytes.add(new ByteEdge(utf8[i] & 0xFF, utf8[i] & 0xFF, next));
      count();
      at = next;
    }
    if (utf8.length == 0) {
      drafts.get(from).empty.add(to);
    }
  }

  private void characters(CodePoints set, int from, int to) {
    Map<List<Utf8Sequences.Bytes>, Integer> tails = new HashMap<>();
    tails.put(List.of(), to);
    for (List<Utf8Sequences.Bytes> sequence : Utf8Sequences.of(set)) {
      int next = to;
      for (int i = sequence.size() - 1; i > 0; i--) {
        List<Utf8Sequences.Bytes> tail = sequence.subList(i, sequence.size());
        Integer known = tails.get(tail);
        int here = known == null ? node() : known;
        if (known == null) {
          tails.put(tail, here);
          drafts.get(here).bytes.add(edge(sequence.get(i), next));
        }
        next = here;
      }
      drafts.get(from).bytes.add(edge(sequence.getFirst(), next));
    }
  }

  private ByteEdge edge(Utf8Sequences.Bytes bytes, int target) {
    count();
    return new ByteEdge(bytes.low(), bytes.high(), target);
  }

  private void sequence(List<Expression> parts, int from, int to) {
    int at = from;
    for (int i = 0; i < parts.size(); i++) {
      int next = i == parts.size() - 1 ? to : node();
      draw(parts.get(i), at, next);
      at = next;
    }
    if (parts.isEmpty()) {
      drafts.get(from).empty.add(to);
    }
  }

  private void repeat(Expression.Repeat repeat, int from, int to) {
    int at = from;
    for (int i = 0; i < repeat.least(); i++) {
      int next = node();
      draw(repeat.what(), at, next);
      at = next;
    }
    if (repeat.most() == Expression.UNBOUNDED) {
      int loop = node();
      drafts.get(at).empty.add(loop);
      draw(repeat.what(), loop, loop);
      drafts.get(loop).empty.add(to);
      return;
    }
    for (int i = repeat.least(); i < repeat.most(); i++) {
      drafts.get(at).empty.add(to);
      int next = node();
      draw(repeat.what(), at, next);
      at = next;
    }
    drafts.get(at).empty.add(to);
  }

  /** What can be reached without a byte or a token, the node itself included. */
  private SequencedSet<Integer> reached(int node) {
    SequencedSet<Integer> seen = new LinkedHashSet<>();
    Deque<Integer> open = new ArrayDeque<>();
    open.push(node);
    while (!open.isEmpty()) {
      int next = open.pop();
      if (seen.add(next)) {
        Draft draft = drafts.get(next);
        draft.empty.forEach(open::push);
        for (Call call : draft.calls) {
          if (nullable.contains(call.rule)) {
            open.push(call.back);
          }
        }
      }
    }
    return seen;
  }

  private Network network(String rule) {
    return Objects.requireNonNull(networks.get(rule));
  }

  private int start(Call call) {
    return network(call.rule).start;
  }

  /**
   * Rules whose end can be reached.
   *
   * @param byNothing whether no byte and no token may be taken on the way
   */
  private Set<String> ending(boolean byNothing) {
    Map<Integer, String> ends = new HashMap<>();
    Deque<Integer> open = new ArrayDeque<>();
    for (Network network : networks.values()) {
      ends.put(network.end, network.rule.name());
      open.push(network.start);
    }
    Set<String> ending = new HashSet<>();
    Map<String, List<Integer>> waiting = new HashMap<>(); // where calls of a rule come back
    BitSet seen = new BitSet();
    while (!open.isEmpty()) {
      int node = open.pop();
      if (seen.get(node)) {
        continue;
      }
      seen.set(node);
      String ended = ends.get(node);
      if (ended != null && ending.add(ended)) {
        waiting.getOrDefault(ended, List.of()).forEach(open::push);
      }
      Draft draft = drafts.get(node);
      draft.empty.forEach(open::push);
      if (!byNothing) {
        draft.bytes.forEach(edge -> open.push(edge.target));
        draft.tokens.forEach(edge -> open.push(edge.target()));
      }
      for (Call call : draft.calls) {
        if (ending.contains(call.rule)) {
          open.push(call.back);
        } else {
          waiting.computeIfAbsent(call.rule, _ -> new ArrayList<>()).add(call.back);
        }
      }
    }
    return ending;
  }

  /** Every rule must be able to end, or an answer might not. */
  private void refuseEndless() {
    Set<String> ending = ending(false);
    for (Network network : networks.values()) {
      if (!ending.contains(network.rule.name())) {
        throw problem(network, "can never end: every way through it comes back to itself");
      }
    }
  }

  private GrammarException problem(Network network, String what) {
    return GrammarException.at(
        rules.text(), network.rule.offset(), "the rule '" + network.rule.name() + "' " + what);
  }

  /** Gives each node the edges of all that it reaches for nothing, and numbers what is left. */
  private final class EmptyEdges {
    private final Map<Integer, Integer> numbers = new HashMap<>();
    private final List<Integer> order = new ArrayList<>();
    private final BitSet ends = new BitSet();
    private final Map<Integer, String> starts = new HashMap<>();
    private final Map<String, SequencedSet<String>> firstCalls = new HashMap<>();

    Automaton away() {
      edges = 0;
      for (Network network : networks.values()) {
        ends.set(network.end);
        starts.put(network.start, network.rule.name());
      }
      number(network("root").start);
      List<Node> nodes = new ArrayList<>();
      for (int i = 0; i < order.size(); i++) { // grows on the way
        nodes.add(merged(order.get(i)));
      }
      refuseLeftRecursion();
      return new Automaton(nodes);
    }

    private int number(int draft) {
      Integer known = numbers.putIfAbsent(draft, order.size());
      if (known == null) {
        order.add(draft);
        return order.size() - 1;
      }
      return known;
    }

    private Node merged(int draft) {
      SequencedSet<ByteEdge> bytes = new LinkedHashSet<>();
      SequencedSet<Call> calls = new LinkedHashSet<>();
      SequencedSet<TokenEdge> tokens = new LinkedHashSet<>();
      boolean end = false;
      for (int reached : reached(draft)) {
        Draft from = drafts.get(reached);
        from.bytes.forEach(e -> bytes.add(new ByteEdge(e.low, e.high, number(e.target))));
        from.calls.forEach(call -> calls.add(new Call(call.rule, number(call.back))));
        from.tokens.forEach(
            e -> tokens.add(new TokenEdge(e.id(), e.name(), e.negated(), number(e.target()))));
        end |= ends.get(reached);
        edges += 1 + from.bytes.size() + from.calls.size() + from.tokens.size();
        if (edges > MAX_EDGES) {
          throw tooLarge();
        }
      }
      String begun = starts.get(draft);
      if (begun != null) {
        SequencedSet<String> first = new LinkedHashSet<>();
        calls.forEach(call -> first.add(call.rule));
        firstCalls.put(begun, first);
      }
      if (bytes.isEmpty() && calls.isEmpty() && tokens.isEmpty() && end) {
        return Node.END;
      }
      return new Node(
          bytes.stream().mapToInt(e -> e.low << Short.SIZE | e.high).toArray(),
          bytes.stream().mapToInt(ByteEdge::target).toArray(),
          calls.stream().mapToInt(call -> number(start(call))).toArray(),
          calls.stream().mapToInt(Call::back).toArray(),
          List.copyOf(tokens),
          end);
    }

    /** A rule that calls itself before it takes anything would be called for ever. */
    private void refuseLeftRecursion() {
      Map<String, Integer> open = new HashMap<>();
      for (String rule : networks.keySet()) {
        if (firstCalls.containsKey(rule)) {
          visit(rule, open);
        }
      }
    }

    /** Depth first, without recursion of our own: a grammar has many rules. */
    private void visit(String root, Map<String, Integer> states) {
      Deque<String> path = new ArrayDeque<>(List.of(root));
      while (!path.isEmpty()) {
        String rule = path.peek();
        int state = states.getOrDefault(rule, 0);
        if (state == 0) {
          states.put(rule, 1);
          for (String next : firstCalls.getOrDefault(rule, new LinkedHashSet<>())) {
            int known = states.getOrDefault(next, 0);
            if (known == 1) {
              throw problem(
                  network(next),
                  "begins with itself (left recursion): write it with a repetition, or with"
                      + " itself at the end");
            }
            if (known == 0) {
              path.push(next);
            }
          }
        } else {
          states.put(rule, 2);
          path.pop();
        }
      }
    }
  }
}
