package dev.sluice.stages.grammar;

/**
 * A grammar that an answer must keep to, in GBNF, the notation of llama.cpp. Immutable; equal where
 * the text is. Only the length was checked: {@link #parse} checks all of it.
 *
 * @param text rules, one of them called {@code root}
 */
public record Grammar(String text) {
  /** Longest text, in UTF-16 units. */
  public static final int MAX_LENGTH = 1 << 18;

  public Grammar {
    if (text.isBlank() || text.length() > MAX_LENGTH) {
      throw new GrammarException(
          "a grammar of %d characters: must have from 1 to %d"
              .formatted(text.length(), MAX_LENGTH));
    }
  }

  /**
   * A grammar that can be used.
   *
   * @throws GrammarException with line and column of what is wrong
   */
  public static Grammar parse(String text) {
    Grammar grammar = new Grammar(text);
    grammar.compile();
    return grammar;
  }

  /**
   * What matches it.
   *
   * @throws GrammarException with line and column of what is wrong
   */
  Automaton compile() {
    return AutomatonBuilder.build(GbnfParser.parse(text));
  }

  @Override
  public String toString() {
    return "Grammar[%d characters]".formatted(text.length());
  }
}
