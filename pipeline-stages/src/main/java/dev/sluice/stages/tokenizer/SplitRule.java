package dev.sluice.stages.tokenizer;

/**
 * One regular expression of a pre-tokenizer, written out: where it matches, the text is split
 * before and behind the match. Written by hand since a regular-expression engine that backtracks
 * takes stack or quadratic time on long runs of one kind of character; these scan a run once.
 */
@FunctionalInterface
interface SplitRule {

  /**
   * Tries to match at one place.
   *
   * @param text code points
   * @param from where the match would begin
   * @param to where the text ends for this rule: {@code from < to}
   * @return the end of the match, more than {@code from}; or, where there is none, the complement
   *     ({@code ~}) of the next place to try, more than {@code from}
   */
  int match(int[] text, int from, int to);
}
