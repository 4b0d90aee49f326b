/**
 * Constrained output: what a grammar allows next, as a set of tokens.
 *
 * <p>Text in GBNF is read into {@code Expression}s, one a rule, and these become an {@code
 * Automaton} over bytes, with calls between rules. A {@code GrammarMatcher} follows one sequence
 * through it and tells from the vocabulary's trie which tokens may come next; what it finds out is
 * kept by where in the automaton it stood.
 */
@NullMarked
package dev.sluice.stages.grammar;

import org.jspecify.annotations.NullMarked;
