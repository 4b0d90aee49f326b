package dev.sluice.stages.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Python's strings where templates use them and Java's differ. */
final class PythonStrings {
  private static final int ALL = -1;

  private PythonStrings() {}

  /** What a string literal's escapes stand for. An escape that there is not stands for itself. */
  static String unescape(String literal) {
    StringBuilder text = new StringBuilder(literal.length());
    for (int i = 0; i < literal.length(); i++) {
      char c = literal.charAt(i);
      if (c != '\\' || i + 1 == literal.length()) {
        text.append(c);
        continue;
      }
      char escape = literal.charAt(++i);
      int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
      if (digits > 0 && i + digits < literal.length() + (digits == 0 ? 1 : 0)) {
        try {
          text.appendCodePoint(Integer.parseInt(literal.substring(i + 1, i + 1 + digits), 16));
          i += digits;
          continue;
        } catch (IllegalArgumentException e) {
          // Not hexadecimal, or no code point: it stands for itself.
          text.append('\\').append(escape);
          continue;
        }
      }
      switch (escape) {
        case 'n' -> text.append('\n');
        case 't' -> text.append('\t');
        case 'r' -> text.append('\r');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case '0' -> text.append('\0');
        case '\\', '\'', '"' -> text.append(escape);
        default -> text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  /** Without the characters of a set, or white space where it is null, at the chosen ends. */
  static String strip(String text, @Nullable String set, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isStripped(text.charAt(from), set)) {
      from++;
    }
    while (right && to > from && isStripped(text.charAt(to - 1), set)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isStripped(char c, @Nullable String set) {
    return set == null ? Character.isWhitespace(c) || c == '\u00A0' : set.indexOf(c) >= 0;
  }

  /** The parts between separators; at white space, without empty ones, where it is null. */
  static List<Object> split(String text, @Nullable String separator, int most) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    if (separator == null) {
      String rest = text.strip();
      while (!rest.isEmpty()) {
        int end = 0;
        while (end < rest.length() && !Character.isWhitespace(rest.charAt(end))) {
          end++;
        }
        if (parts.size() == most) {
          end = rest.length();
        }
        parts.add(rest.substring(0, end));
        rest = rest.substring(end).stripLeading();
      }
      return parts;
    }
    if (separator.isEmpty()) {
      throw new ChatTemplateException("split: empty separator");
    }
    for (int at = text.indexOf(separator);
        at >= 0 && (most == ALL || parts.size() < most);
        at = text.indexOf(separator, from)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  /** As {@link #split}, from the right. */
  static List<Object> rsplit(String text, String separator, int most) {
    if (separator.isEmpty()) {
      throw new ChatTemplateException("rsplit: empty separator");
    }
    List<Object> parts = new ArrayList<>();
    int to = text.length();
    while (most == ALL || parts.size() < most) {
      int at = to < separator.length() ? -1 : text.lastIndexOf(separator, to - separator.length());
      if (at < 0) {
        break;
      }
      parts.addFirst(text.substring(at + separator.length(), to));
      to = at;
    }
    parts.addFirst(text.substring(0, to));
    return parts;
  }

  /** Each word with an upper-case first letter and the rest in lower case. */
  static String title(String text) {
    StringBuilder title = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      title.append(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
    }
    return title.toString();
  }

  /** An upper-case first character and the rest in lower case. */
  static String capitalize(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  /** How often a text occurs without overlap. */
  static long count(String text, String part) {
    return part.isEmpty() ? text.length() + 1L : split(text, part, ALL).size() - 1L;
  }
}
