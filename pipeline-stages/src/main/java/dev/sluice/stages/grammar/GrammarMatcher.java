package dev.sluice.stages.grammar;

import java.util.Arrays;

/**
 * One sequence's place in its grammar: a function of the grammar and of the tokens accepted. For
 * one thread; made by {@link Grammars}.
 */
public final class GrammarMatcher {
  /** Steps of one token, and of one mask; see {@link Effort}. */
  private static final long TOKEN_EFFORT = 20_000_000;

  private static final long MASK_EFFORT = 50_000_000;

  private final Grammars owner;
  private final Grammars.Compiled grammar;
  private final TokenVocabulary vocabulary;
  private Position position;

  GrammarMatcher(Grammars owner, Grammars.Compiled grammar) {
    this.owner = owner;
    this.grammar = grammar;
    vocabulary = owner.vocabulary();
    position = Walk.start(grammar.automaton(), Automaton.ROOT, new Effort(TOKEN_EFFORT));
  }

  /**
   * Goes on behind a token.
   *
   * @return whether the token is allowed; where it is not, nothing is afterwards
   * @throws GrammarException where the grammar takes too much work
   */
  public boolean accept(int token) {
    if (vocabulary.ends(token)) {
      return position.complete();
    }
    Effort effort = new Effort(TOKEN_EFFORT);
    Automaton automaton = grammar.automaton();
    byte[] bytes = vocabulary.bytes(token);
    Position next = bytes.length == 0 ? Position.NOWHERE : position;
    for (byte b : bytes) {
      next = Walk.afterByte(automaton, next, b & 0xFF, effort);
    }
    if (automaton.takesTokens()) {
      Position whole = Walk.afterToken(automaton, position, vocabulary, token, effort);
      next = next.or(whole);
    }
    position = next;
    return position.fits();
  }

  /** Whether what was accepted is a whole text of the grammar, so that it may end here. */
  public boolean complete() {
    return position.complete();
  }

  /**
   * Bans every token that is not allowed next. Tokens that end an answer are allowed where it is
   * {@link #complete}.
   *
   * @param logits of the whole vocabulary; those of banned tokens become negative infinity
   * @throws GrammarException where the grammar takes too much work
   */
  public void mask(float[] logits, int length) {
    long[] allowed = allowed();
    int known = Math.min(length, vocabulary.size());
    for (int word = 0; word << 6 < known; word++) {
      long banned = ~allowed[word];
      int base = word << 6;
      if (banned == -1L) {
        Arrays.fill(logits, base, Math.min(known, base + Long.SIZE), Float.NEGATIVE_INFINITY);
        continue;
      }
      while (banned != 0) {
        int token = base + Long.numberOfTrailingZeros(banned);
        if (token >= known) {
          break;
        }
        logits[token] = Float.NEGATIVE_INFINITY;
        banned &= banned - 1;
      }
    }
    Arrays.fill(logits, known, Math.max(known, length), Float.NEGATIVE_INFINITY);
  }

  /** Whether a token is allowed next. */
  boolean allows(int token) {
    return (allowed()[token >> 6] & 1L << token) != 0;
  }

  /** A bit for each token that is allowed next; valid until the next call to any matcher. */
  private long[] allowed() {
    Effort effort = new Effort(MASK_EFFORT);
    long[] allowed = owner.scratch();
    Arrays.fill(allowed, 0);
    for (Frame way : position.ways()) {
      long[] more = grammar.masks().allowed(way, effort);
      for (int i = 0; i < allowed.length; i++) {
        allowed[i] |= more[i];
      }
    }
    if (position.complete()) {
      for (int token : vocabulary.endOfGeneration()) {
        allowed[token >> 6] |= 1L << token;
      }
    }
    owner.limitMemory(grammar);
    return allowed;
  }
}
