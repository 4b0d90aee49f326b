package dev.sluice.stages.grammar;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Grammars at work over one vocabulary: compiled once, kept as long as they are used, and what they
 * found out about tokens with them. For one thread.
 */
public final class Grammars {
  /** Most grammars that are kept, and the nodes of them all. */
  private static final int MAX_KEPT = 64;

  private static final int MAX_NODES = 2 * AutomatonBuilder.MAX_NODES;

  /** Most memory for what is known of tokens; beyond it, all of that is found out anew. */
  private static final long MAX_MASK_BYTES = 96L << 20;

  record Compiled(Automaton automaton, MaskTable masks) {}

  private final TokenVocabulary vocabulary;
  private final long[] scratch;
  private final Map<Grammar, Compiled> kept = new LinkedHashMap<>(16, 0.75f, true);

  public Grammars(TokenVocabulary vocabulary) {
    this.vocabulary = vocabulary;
    scratch = new long[(vocabulary.size() + Long.SIZE - 1) / Long.SIZE];
  }

  /**
   * A matcher for a sequence.
   *
   * @param log the sequence's tokens
   * @param from where the answer begins
   * @param to where it ends so far
   * @throws GrammarException where the grammar cannot be used, or the tokens do not fit it
   */
  public GrammarMatcher matcher(Grammar grammar, int[] log, int from, int to) {
    GrammarMatcher matcher = new GrammarMatcher(this, compiled(grammar));
    for (int i = from; i < to; i++) {
      if (!matcher.accept(log[i])) {
        throw new GrammarException(
            "token %d, number %d of the answer, does not fit the grammar"
                .formatted(log[i], i - from + 1));
      }
    }
    return matcher;
  }

  private Compiled compiled(Grammar grammar) {
    Compiled known = kept.get(grammar);
    if (known != null) {
      return known;
    }
    Automaton automaton = grammar.compile();
    for (int i = 0; automaton.takesTokens() && i < automaton.size(); i++) {
      automaton.node(i).tokens().forEach(vocabulary::id);
    }
    Compiled compiled = new Compiled(automaton, new MaskTable(automaton, vocabulary));
    kept.put(grammar, compiled);
    forgetOldest();
    return compiled;
  }

  private void forgetOldest() {
    long nodes = kept.values().stream().mapToLong(each -> each.automaton.size()).sum();
    var eldest = kept.values().iterator();
    while (kept.size() > 1 && (kept.size() > MAX_KEPT || nodes > MAX_NODES)) {
      nodes -= eldest.next().automaton.size();
      eldest.remove();
    }
  }

  TokenVocabulary vocabulary() {
    return vocabulary;
  }

  long[] scratch() {
    return scratch;
  }

  /** Forgets what is known of tokens where it takes too much memory. */
  void limitMemory(Compiled used) {
    long bytes = used.masks.bytes();
    for (Compiled compiled : kept.values()) {
      bytes += compiled.masks.equals(used.masks) ? 0 : compiled.masks.bytes();
    }
    if (bytes > MAX_MASK_BYTES) {
      kept.values().forEach(compiled -> compiled.masks.clear());
      used.masks.clear();
    }
  }
}
