package dev.sluice.stages.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads GBNF as llama.cpp documents it ({@code grammars/README.md} there): rules {@code name ::=
 * …}, literals, character classes, {@code .}, groups, {@code | * + ? {m} {m,} {m,n}}, comments from
 * {@code #} on, and tokens {@code <[id]>}, {@code <name>}, {@code !<…>}. A rule ends with its line,
 * but goes on behind {@code ::=}, behind {@code |} and within parentheses.
 */
final class GbnfParser {
  /** Most times that something may be repeated. */
  static final int MAX_REPEAT = 100_000;

  private static final int MAX_DEPTH = 200;
  private static final int MAX_REPEATS = 8;

  private final String text;
  private int at;
  private int depth;
  private final Map<String, Rule> rules = new LinkedHashMap<>();
  private final List<Expression.Reference> references = new ArrayList<>();

  /**
   * A rule.
   *
   * @param offset of its name
   */
  record Rule(String name, int offset, Expression body) {}

  /**
   * A whole grammar; every rule that is referred to is there, and so is root.
   *
   * @param text it was read from, for places of mistakes
   */
  record Rules(String text, Map<String, Rule> byName) {}

  private GbnfParser(String text) {
    this.text = text;
  }

  static Rules parse(String text) {
    return new GbnfParser(text).parse();
  }

  private Rules parse() {
    skip(true);
    while (at < text.length()) {
      rule();
      skip(true);
    }
    for (Expression.Reference reference : references) {
      if (!rules.containsKey(reference.rule())) {
        throw problem(reference.offset(), "there is no rule '" + reference.rule() + "'");
      }
    }
    if (!rules.containsKey("root")) {
      throw problem(text.length(), "there is no rule 'root'");
    }
    return new Rules(text, rules);
  }

  private void rule() {
    int start = at;
    String name = name();
    if (name.isEmpty()) {
      throw problem(at, "a rule begins with its name, not with " + shown());
    }
    skip(false);
    if (!text.startsWith("::=", at)) {
      throw problem(at, "'::=' must follow the name '%s', not %s".formatted(name, shown()));
    }
    at += 3;
    skip(true);
    Expression body = choice(false);
    skip(false);
    if (at < text.length() && !isLineEnd(text.charAt(at))) {
      throw problem(at, "a rule ends with its line; found " + shown());
    }
    if (rules.put(name, new Rule(name, start, body)) != null) {
      throw problem(start, "the rule '" + name + "' is there twice");
    }
  }

  private Expression choice(boolean nested) {
    if (++depth > MAX_DEPTH) {
      throw problem(at, "more than " + MAX_DEPTH + " parentheses within each other");
    }
    List<Expression> alternatives = new ArrayList<>();
    alternatives.add(sequence(nested));
    while (at < text.length() && text.charAt(at) == '|') {
      at++;
      skip(true);
      alternatives.add(sequence(nested));
    }
    depth--;
    return alternatives.size() == 1
        ? alternatives.getFirst()
        : new Expression.Choice(List.copyOf(alternatives));
  }

  private Expression sequence(boolean nested) {
    List<Expression> parts = new ArrayList<>();
    while (true) {
      skip(nested);
      if (at == text.length()) {
        break;
      }
      int start = at;
      char c = text.charAt(at);
      Expression part;
      if (c == '"') {
        part = literal();
      } else if (c == '[') {
        part = characters();
      } else if (c == '.') {
        at++;
        part = new Expression.Characters(CodePoints.ALL);
      } else if (c == '(') {
        part = group();
      } else if (c == '<' || c == '!') {
        part = token();
      } else if (isNameCharacter(c)) {
        Expression.Reference reference = new Expression.Reference(name(), start);
        references.add(reference);
        part = reference;
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        throw problem(at, "there is nothing before '" + c + "' to repeat");
      } else {
        break;
      }
      parts.add(repeated(part));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Sequence(List.copyOf(parts));
  }

  private Expression group() {
    int start = at++;
    skip(true);
    Expression inner = choice(true);
    skip(true);
    if (at == text.length() || text.charAt(at) != ')') {
      throw problem(start, "this parenthesis is not closed");
    }
    at++;
    return inner;
  }

  private Expression repeated(Expression first) {
    Expression what = first;
    for (int repeats = 0; at < text.length(); repeats++) {
      if (repeats > MAX_REPEATS) {
        throw problem(at, "repeated more than " + MAX_REPEATS + " times over");
      }
      switch (text.charAt(at)) {
        case '*' -> what = repeat(what, 0, Expression.UNBOUNDED);
        case '+' -> what = repeat(what, 1, Expression.UNBOUNDED);
        case '?' -> what = repeat(what, 0, 1);
        case '{' -> what = counted(what);
        default -> {
          return what;
        }
      }
    }
    return what;
  }

  private Expression repeat(Expression what, int least, int most) {
    at++;
    return new Expression.Repeat(what, least, most);
  }

  private Expression counted(Expression what) {
    int start = at++;
    int least = number();
    int most = least;
    skip(false);
    if (at < text.length() && text.charAt(at) == ',') {
      at++;
      skip(false);
      boolean open = at < text.length() && text.charAt(at) == '}';
      most = open ? Expression.UNBOUNDED : number();
      skip(false);
    }
    if (at == text.length() || text.charAt(at) != '}') {
      throw problem(at, "a repetition ends with '}', not with " + shown());
    }
    if (most != Expression.UNBOUNDED && most < least) {
      throw problem(start, "a repetition of at least %d and at most %d".formatted(least, most));
    }
    return repeat(what, least, most);
  }

  private int number() {
    skip(false);
    int start = at;
    long value = 0;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      value = Math.min(Integer.MAX_VALUE, value * 10 + text.charAt(at++) - '0');
    }
    if (at == start) {
      throw problem(at, "a number must stand here, not " + shown());
    }
    if (value > MAX_REPEAT) {
      throw problem(start, "repeated more than %d times".formatted(MAX_REPEAT));
    }
    return (int) value;
  }

  private Expression literal() {
    int start = at++;
    StringBuilder literal = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"') {
      if (isLineEnd(text.charAt(at))) {
        break;
      }
      literal.appendCodePoint(character());
    }
    if (at == text.length() || text.charAt(at) != '"') {
      throw problem(start, "this literal is not closed on its line");
    }
    at++;
    return new Expression.Text(literal.toString().getBytes(StandardCharsets.UTF_8));
  }

  private Expression characters() {
    int start = at++;
    boolean negated = at < text.length() && text.charAt(at) == '^';
    if (negated) {
      at++;
    }
    List<CodePoints.Range> ranges = new ArrayList<>();
    while (at < text.length() && text.charAt(at) != ']' && !isLineEnd(text.charAt(at))) {
      int from = at;
      int first = character();
      int last = first;
      if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
        at++;
        last = character();
      }
      if (last < first) {
        throw problem(from, "a range of characters from a higher to a lower one");
      }
      ranges.add(new CodePoints.Range(first, last));
    }
    if (at == text.length() || text.charAt(at) != ']') {
      throw problem(start, "this class of characters is not closed on its line");
    }
    at++;
    CodePoints set = new CodePoints(ranges);
    CodePoints meant = negated ? set.complement() : set;
    if (meant.isEmpty()) {
      throw problem(start, "no character is in this class");
    }
    return new Expression.Characters(meant);
  }

  /** A character of a literal or a class, perhaps escaped. */
  private int character() {
    int start = at;
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    if (c == '\\') {
      if (at == text.length()) {
        throw problem(start, "nothing follows the backslash");
      }
      c = escaped(start, text.charAt(at++));
    }
    if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw problem(start, "half a surrogate pair is no character");
    }
    return c;
  }

  private int escaped(int start, char letter) {
    return switch (letter) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'x' -> hex(start, 2);
      case 'u' -> hex(start, 4);
      case 'U' -> hex(start, 8);
      case '\\', '"', '[', ']', '-', '^', '/' -> letter;
      default -> throw problem(start, "there is no escape '\\" + letter + "'");
    };
  }

  private int hex(int start, int digits) {
    int end = at + digits;
    long value = -1;
    if (end <= text.length()) {
      String written = text.substring(at, end);
      value = written.matches("[0-9a-fA-F]+") ? Long.parseLong(written, 16) : -1;
    }
    if (value < 0 || value > Character.MAX_CODE_POINT) {
      throw problem(start, "this escape takes " + digits + " digits of a character's number");
    }
    at = end;
    return (int) value;
  }

  private Expression token() {
    int start = at;
    boolean negated = text.charAt(at) == '!';
    if (negated) {
      at++;
    }
    int close = text.indexOf('>', at);
    if (at == text.length() || text.charAt(at) != '<' || close < 0) {
      throw problem(start, "a token is written <name> or <[id]>");
    }
    String inner = text.substring(at + 1, close);
    if (inner.isEmpty() || inner.chars().anyMatch(c -> Character.isWhitespace((char) c))) {
      throw problem(start, "a token is written <name> or <[id]>");
    }
    at = close + 1;
    if (!inner.startsWith("[")) {
      return new Expression.Token(-1, "<" + inner + ">", negated);
    }
    if (!inner.matches("\\[[0-9]{1,9}]")) {
      throw problem(start, "the id of a token is a number in brackets");
    }
    int id = Integer.parseInt(inner.substring(1, inner.length() - 1));
    return new Expression.Token(id, null, negated);
  }

  private String name() {
    int start = at;
    while (at < text.length() && isNameCharacter(text.charAt(at))) {
      at++;
    }
    return text.substring(start, at);
  }

  private void skip(boolean lines) {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '#') {
        while (at < text.length() && !isLineEnd(text.charAt(at))) {
          at++;
        }
      } else if (c == ' ' || c == '\t' || (lines && isLineEnd(c))) {
        at++;
      } else {
        return;
      }
    }
  }

  private static boolean isLineEnd(char c) {
    return c == '\n' || c == '\r';
  }

  private static boolean isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '_';
  }

  private String shown() {
    if (at == text.length()) {
      return "the end";
    }
    return isLineEnd(text.charAt(at))
        ? "the end of the line"
        : "'" + Character.toString(text.codePointAt(at)) + "'";
  }

  private GrammarException problem(int offset, String what) {
    return GrammarException.at(text, offset, what);
  }
}
