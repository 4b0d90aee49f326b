package dev.sluice.stages.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * A regular expression of ECMA-262, as JSON Schema's {@code pattern} has them, as GBNF of what
 * stands between the quotes of a JSON string. Not supported are look-around, references back,
 * {@code \b}, {@code \p} and anchors in other places than the ends of an alternative.
 */
final class PatternGrammar {
  private static final int MAX_DEPTH = 100;
  private static final CodePoints DIGIT = set('0', '9');
  private static final CodePoints WORD =
      new CodePoints(
          List.of(
              new CodePoints.Range('0', '9'),
              new CodePoints.Range('A', 'Z'),
              new CodePoints.Range('_', '_'),
              new CodePoints.Range('a', 'z')));
  private static final CodePoints SPACE =
      new CodePoints(
          List.of(
              new CodePoints.Range('\t', '\r'),
              new CodePoints.Range(' ', ' '),
              new CodePoints.Range(0xA0, 0xA0),
              new CodePoints.Range(0x2028, 0x2029),
              new CodePoints.Range(0xFEFF, 0xFEFF)));
  private static final CodePoints LINE =
      new CodePoints(
              List.of(
                  new CodePoints.Range('\n', '\n'),
                  new CodePoints.Range('\r', '\r'),
                  new CodePoints.Range(0x2028, 0x2029)))
          .complement();

  private final String pattern;
  private int at;
  private int depth;

  private PatternGrammar(String pattern) {
    this.pattern = pattern;
  }

  /**
   * A GBNF expression that uses the rule {@code char}.
   *
   * @throws GrammarException for what is not supported
   */
  static String of(String pattern) {
    PatternGrammar parser = new PatternGrammar(pattern);
    String all = parser.alternatives(true);
    if (parser.at < pattern.length()) {
      throw parser.problem("there is a ')' too many");
    }
    return all;
  }

  private static CodePoints set(int first, int last) {
    return new CodePoints(List.of(new CodePoints.Range(first, last)));
  }

  /** Alternatives of the whole pattern match anywhere, but where an anchor says otherwise. */
  private String alternatives(boolean whole) {
    if (++depth > MAX_DEPTH) {
      throw problem("more than " + MAX_DEPTH + " groups within each other");
    }
    List<String> alternatives = new ArrayList<>();
    do {
      boolean start = whole && accept('^');
      StringBuilder sequence = new StringBuilder(whole && !start ? "char*" : "\"\"");
      boolean end = false;
      while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
        if (pattern.charAt(at) == '$') {
          at++;
          end = true;
          if (!whole || (at < pattern.length() && pattern.charAt(at) != '|')) {
            throw problem("'$' within the pattern is not supported");
          }
        } else {
          sequence.append(' ').append(quantified(atom()));
        }
      }
      alternatives.add(sequence + (whole && !end ? " char*" : ""));
    } while (accept('|'));
    depth--;
    return alternatives.size() == 1
        ? alternatives.getFirst()
        : "(" + String.join(" | ", alternatives) + ")";
  }

  private boolean accept(char c) {
    boolean there = at < pattern.length() && pattern.charAt(at) == c;
    at += there ? 1 : 0;
    return there;
  }

  private String atom() {
    int c = pattern.codePointAt(at);
    if (c == '(') {
      return group();
    }
    at += Character.charCount(c);
    CodePoints set =
        switch (c) {
          case '[' -> characterClass();
          case '.' -> LINE;
          case '\\' -> escape();
          case '*', '+', '?', '{', '}', ']', '^' ->
              throw problem("'" + (char) c + "' is not supported here");
          default -> set(c, c);
        };
    return JsonText.characters(set);
  }

  private String group() {
    at++;
    if (accept('?') && !accept(':')) {
      throw problem("look-around and named groups are not supported");
    }
    String inner = alternatives(false);
    if (!accept(')')) {
      throw problem("a ')' is missing");
    }
    return "(" + inner + ")";
  }

  private String quantified(String atom) {
    String quantified = atom;
    if (at < pattern.length()) {
      quantified =
          switch (pattern.charAt(at)) {
            case '*', '+', '?' -> "(" + atom + ")" + pattern.charAt(at++);
            case '{' -> counted(atom);
            default -> atom;
          };
      // Lazy ones match the same texts.
      if (!quantified.equals(atom)) {
        accept('?');
      }
    }
    return quantified;
  }

  private String counted(String atom) {
    int close = pattern.indexOf('}', at);
    String counts = close < 0 ? "" : pattern.substring(at + 1, close);
    if (!counts.matches("[0-9]{1,6}(,[0-9]{0,6})?")) {
      throw problem("a quantifier is written {m}, {m,} or {m,n}");
    }
    at = close + 1;
    return "(" + atom + "){" + counts + "}";
  }

  private CodePoints characterClass() {
    boolean negated = accept('^');
    List<CodePoints.Range> ranges = new ArrayList<>();
    while (at < pattern.length() && pattern.charAt(at) != ']') {
      CodePoints first = classMember();
      boolean range =
          at + 1 < pattern.length() && pattern.charAt(at) == '-' && pattern.charAt(at + 1) != ']';
      if (range && isOne(first)) {
        at++;
        CodePoints last = classMember();
        int from = first.ranges().getFirst().first();
        if (!isOne(last) || last.ranges().getFirst().first() < from) {
          throw problem("a range of characters from a higher to a lower one");
        }
        ranges.add(new CodePoints.Range(from, last.ranges().getFirst().first()));
      } else {
        ranges.addAll(first.ranges());
      }
    }
    if (!accept(']')) {
      throw problem("a ']' is missing");
    }
    CodePoints set = new CodePoints(ranges);
    CodePoints meant = negated ? set.complement() : set;
    if (meant.isEmpty()) {
      throw problem("no character is in the class");
    }
    return meant;
  }

  private static boolean isOne(CodePoints set) {
    return set.ranges().size() == 1
        && set.ranges().getFirst().first() == set.ranges().getFirst().last();
  }

  private CodePoints classMember() {
    int c = pattern.codePointAt(at);
    at += Character.charCount(c);
    return c == '\\' ? escape() : set(c, c);
  }

  private CodePoints escape() {
    if (at == pattern.length()) {
      throw problem("nothing follows the backslash");
    }
    char c = pattern.charAt(at++);
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 'n' -> set('\n', '\n');
      case 'r' -> set('\r', '\r');
      case 't' -> set('\t', '\t');
      case 'f' -> set('\f', '\f');
      case 'v' -> set(0x0B, 0x0B);
      case 'x' -> hex(2);
      case 'u' -> hex(4);
      default -> {
        if (Character.isLetterOrDigit(c)) {
          throw problem("'\\" + c + "' is not supported");
        }
        yield set(c, c);
      }
    };
  }

  private CodePoints hex(int digits) {
    String number = pattern.substring(at, Math.min(pattern.length(), at + digits));
    if (!number.matches("[0-9a-fA-F]{" + digits + "}")) {
      throw problem("a character's number has " + digits + " digits");
    }
    at += digits;
    int c = Integer.parseInt(number, 16);
    if (Character.isSurrogate((char) c)) {
      throw problem("half a surrogate pair is no character");
    }
    return set(c, c);
  }

  private GrammarException problem(String what) {
    return new GrammarException("pattern '%s', at %d: %s".formatted(pattern, at + 1, what));
  }
}
