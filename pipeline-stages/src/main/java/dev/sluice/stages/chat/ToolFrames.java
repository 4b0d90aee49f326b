package dev.sluice.stages.chat;

import java.util.LinkedHashMap;
import java.util.Map;

/** What stands around the JSON of calls, as GBNF in which {@code json} is one call. */
final class ToolFrames {
  private ToolFrames() {}

  static String of(ToolStyle style, boolean mayTalk, boolean parallel) {
    return switch (style) {
      case BARE -> mayTalk ? "root ::= ws json | ([^{ \\n] .*)?" : "root ::= ws json";
      case TAGGED -> tagged(style, mayTalk, parallel);
    };
  }

  private static String tagged(ToolStyle style, boolean mayTalk, boolean parallel) {
    String rest = "ws json ws \"%s\"".formatted(style.close());
    String more = parallel ? " (ws \"%s\" %s)*".formatted(style.open(), rest) : "";
    String calls = "call ::= " + rest + more + "\n";
    return mayTalk
        ? calls + talk(style.open(), "call")
        : calls + "root ::= ws \"%s\" call".formatted(style.open());
  }

  /**
   * Rules for text that is free until a marker has been written and goes on by a rule then: one
   * rule for each beginning of the marker that the text may end with (Knuth, Morris, Pratt 1977).
   */
  private static String talk(String marker, String then) {
    StringBuilder rules = new StringBuilder("root ::= talk0\n");
    for (int matched = 0; matched < marker.length(); matched++) {
      Map<Character, Integer> next = new LinkedHashMap<>();
      for (int i = 0; i < marker.length(); i++) {
        char c = marker.charAt(i);
        int longest = longest(marker, marker.substring(0, matched) + c);
        if (longest > 0) {
          next.put(c, longest);
        }
      }
      rules.append("talk%d ::= \"\" | [^".formatted(matched));
      next.keySet().forEach(rules::append);
      rules.append("] talk0");
      next.forEach(
          (c, length) ->
              rules.append(
                  " | \"%c\" %s".formatted(c, length == marker.length() ? then : "talk" + length)));
      rules.append('\n');
    }
    return rules.toString();
  }

  /** The longest beginning of the marker that a text ends with. */
  private static int longest(String marker, String text) {
    int length = text.length();
    while (!text.endsWith(marker.substring(0, length))) {
      length--;
    }
    return length;
  }
}
