package dev.sluice.stages.grammar;

/**
 * How much work a grammar may still cause before it is given up: a grammar comes with a request,
 * and those who share the sampler with it must not wait for it. Counted in steps, so that the same
 * grammar is given up at the same place on any machine.
 */
final class Effort {
  private long left;

  Effort(long steps) {
    left = steps;
  }

  void spend(int steps) {
    left -= steps;
    if (left < 0) {
      throw new GrammarException(
          "the grammar is too ambiguous: too many of its ways fit the same text");
    }
  }
}
