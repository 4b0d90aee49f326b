package dev.sluice.stages.chat;

import java.util.function.UnaryOperator;

/**
 * Writes one of Jinja's expressions so that Jinjava reads it as Jinja does: {@code not} with all
 * that is Python's operand of it, the value of a named argument, reversed slices, string literals,
 * maps that end where a tag might.
 */
final class ExpressionRewriter {
  private static final String REVERSED_SLICE = "[::-1]";
  private static final int MAX_DEPTH = 100;

  private final String code;
  private final UnaryOperator<String> literals;
  private final StringBuilder out;
  private final boolean isMacro;
  private int at;
  private int depth;

  /**
   * For one expression, or a tag with its name.
   *
   * @param literals writes a string literal, quotes and all
   */
  ExpressionRewriter(String code, UnaryOperator<String> literals) {
    this.code = code;
    this.literals = literals;
    out = new StringBuilder(code.length() + 16);
    isMacro = code.startsWith("macro");
  }

  String rewrite() {
    group(' ');
    return out.toString();
  }

  static boolean isQuote(char c) {
    return c == '\'' || c == '"';
  }

  /** Where the string ends that begins at a place: its quote, or the last character. */
  static int quoteEnd(String code, int from) {
    for (int i = from + 1; i < code.length(); i++) {
      if (code.charAt(i) == '\\') {
        i++;
      } else if (code.charAt(i) == code.charAt(from)) {
        return i;
      }
    }
    return code.length() - 1;
  }

  /** Writes up to the end of the brackets that this opener began, or of the code. */
  private void group(char opener) {
    if (++depth > MAX_DEPTH) {
      throw new ChatTemplateException("brackets nested deeper than " + MAX_DEPTH);
    }
    int nots = 0;
    boolean named = false;
    String before = "";
    while (at < code.length()) {
      char c = code.charAt(at);
      if (isQuote(c)) {
        int end = quoteEnd(code, at);
        out.append(literals.apply(code.substring(at, end + 1)));
        at = end + 1;
      } else if (code.startsWith(REVERSED_SLICE, at)) {
        out.append('.').append(TemplateSource.REVERSED).append("()");
        at += REVERSED_SLICE.length();
      } else if (Character.isJavaIdentifierStart(c)) {
        String word = word();
        if (isBoundary(word)) {
          nots = close(nots);
        }
        if (word.equals("raise_exception") || word.equals("strftime_now")) {
          out.append(TemplateSource.RENDERING).append('.');
        }
        out.append(word);
        if (word.equals("not") && !before.equals("is") && !next("in")) {
          out.append(" (");
          nots++;
        } else if (opener == '(' && !isMacro && isNamedArgument()) {
          at = code.indexOf('=', at) + 1;
          out.append("=(");
          named = true;
        }
        before = word;
      } else if (c == '(' || c == '[' || c == '{') {
        out.append(c);
        at++;
        group(c);
      } else if (c == ')' || c == ']' || c == '}') {
        break;
      } else {
        if (c == ',' || c == ':') {
          nots = close(nots);
          named = named && close(1) > 0;
        }
        out.append(Character.isWhitespace(c) ? ' ' : c);
        at++;
      }
    }
    close(nots + (named ? 1 : 0));
    if (at < code.length() && opener != ' ') {
      out.append(code.charAt(at++));
      // Two braces would end a tag.
      out.append(at < code.length() && code.charAt(at) == '}' ? " " : "");
    }
    depth--;
  }

  /** Closes parentheses; answers how many are still open: none. */
  private int close(int open) {
    out.repeat(')', open);
    return 0;
  }

  private String word() {
    int from = at;
    while (at < code.length() && Character.isJavaIdentifierPart(code.charAt(at))) {
      at++;
    }
    return code.substring(from, at);
  }

  /** Whether a word ends the operand of {@code not}. */
  private static boolean isBoundary(String word) {
    return switch (word) {
      case "and", "or", "if", "else" -> true;
      default -> false;
    };
  }

  /** Whether the next word is this one. */
  private boolean next(String word) {
    int i = skipSpace(at);
    return code.startsWith(word, i)
        && (i + word.length() == code.length()
            || !Character.isJavaIdentifierPart(code.charAt(i + word.length())));
  }

  /** Whether a single equals sign follows. */
  private boolean isNamedArgument() {
    int i = skipSpace(at);
    return i < code.length() && code.charAt(i) == '=' && !code.startsWith("==", i);
  }

  private int skipSpace(int from) {
    int i = from;
    while (i < code.length() && Character.isWhitespace(code.charAt(i))) {
      i++;
    }
    return i;
  }
}
