package dev.sluice.stages.grammar;

import java.util.ArrayList;
import java.util.List;

/** How text stands between the quotes of a JSON string, as GBNF. */
final class JsonText {
  /** Rules for any JSON value, and for what values are made of. */
  static final String RULES =
      """
      ws ::= | " " | "\\n" [ \\t]{0,20}
      char ::= [^"\\\\\\x00-\\x1F\\x7F] | "\\\\" (["\\\\/bfnrt] | "u" hex4)
      hex4 ::= [0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}
      string ::= "\\"" char* "\\""
      digits ::= "0" | [1-9] [0-9]{0,15}
      integer ::= "-"? digits
      number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
      boolean ::= "true" | "false"
      value ::= object | array | string | number | boolean | "null"
      object ::= "{" ws (member (ws "," ws member)*)? ws "}"
      member ::= string ws ":" ws value
      array ::= "[" ws (value (ws "," ws value)*)? ws "]"
      """;

  /** Characters that need no escape. */
  private static final CodePoints PLAIN =
      new CodePoints(
              List.of(
                  new CodePoints.Range(0, 0x1F),
                  new CodePoints.Range('"', '"'),
                  new CodePoints.Range('\\', '\\'),
                  new CodePoints.Range(0x7F, 0x7F)))
          .complement();

  private JsonText() {}

  /** Exactly this text, without quotes. */
  static String literal(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints().forEach(c -> escaped.append(escape(c)));
    return GbnfText.literal(escaped.toString());
  }

  /** One character of a set, escaped where it must be. */
  static String characters(CodePoints set) {
    List<String> ways = new ArrayList<>();
    CodePoints plain = set.and(PLAIN);
    if (!plain.isEmpty()) {
      ways.add(GbnfText.characters(plain));
    }
    for (CodePoints.Range range : set.and(PLAIN.complement()).ranges()) {
      for (int c = range.first(); c <= range.last(); c++) {
        ways.add(GbnfText.literal(escape(c)));
      }
    }
    return ways.size() == 1 ? ways.getFirst() : "(" + String.join(" | ", ways) + ")";
  }

  /** A character as JSON writes it in a string. */
  static String escape(int c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      default -> c < 0x20 || c == 0x7F ? "\\u%04x".formatted(c) : Character.toString(c);
    };
  }
}
