package dev.sluice.stages.grammar;

/**
 * A grammar or schema that cannot be used; the message says where and what is wrong with it. As an
 * {@link IllegalArgumentException} it is refused wherever other parameters of a request are.
 */
public final class GrammarException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public GrammarException(String message) {
    super(message);
  }

  public GrammarException(String message, Throwable cause) {
    super(message, cause);
  }

  /** A mistake at a place of a text. */
  static GrammarException at(String text, int offset, String problem) {
    int line = 1;
    int lineStart = 0;
    for (int i = 0; i < Math.min(offset, text.length()); i++) {
      if (text.charAt(i) == '\n') {
        line++;
        lineStart = i + 1;
      }
    }
    int column = text.codePointCount(lineStart, Math.min(offset, text.length())) + 1;
    return new GrammarException("grammar, line %d, column %d: %s".formatted(line, column, problem));
  }
}
