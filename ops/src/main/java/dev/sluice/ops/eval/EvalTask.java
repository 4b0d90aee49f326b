package dev.sluice.ops.eval;

import java.util.Locale;

/** What a model can be asked. */
public enum EvalTask {
  /** Stories on request, judged by the grammar. */
  STORIES(0, 400, 400),
  /** Questions about a story that is given. */
  QUESTIONS(1, 32, 128),
  /** Additions of two numbers of three digits each. */
  ADDITIONS(2, 16, 192),
  /** How likely a text is. */
  PERPLEXITY(3, 0, 0);

  private final long stream;
  private final int tokens;
  private final int workedTokens;

  EvalTask(long stream, int tokens, int workedTokens) {
    this.stream = stream;
    this.tokens = tokens;
    this.workedTokens = workedTokens;
  }

  /** Tells its random numbers from those of the others. */
  long stream() {
    return stream;
  }

  /** The most tokens that an answer needs. */
  int tokens(boolean worked) {
    return worked ? workedTokens : tokens;
  }

  /** Its name, as in {@code --tasks}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
