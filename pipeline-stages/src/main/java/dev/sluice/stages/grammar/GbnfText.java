package dev.sluice.stages.grammar;

/** Writes the parts of a grammar as GBNF. */
final class GbnfText {
  private GbnfText() {}

  /** A literal of any text. */
  static String literal(String text) {
    StringBuilder gbnf = new StringBuilder("\"");
    text.codePoints().forEach(c -> character(gbnf, c, "\"\\"));
    return gbnf.append('"').toString();
  }

  /** A class of characters; there is at least one. */
  static String characters(CodePoints set) {
    StringBuilder gbnf = new StringBuilder("[");
    for (CodePoints.Range range : set.ranges()) {
      character(gbnf, range.first(), "[]\\^-\"");
      if (range.last() > range.first()) {
        gbnf.append('-');
        character(gbnf, range.last(), "[]\\^-\"");
      }
    }
    return gbnf.append(']').toString();
  }

  /** {@code what} from least to most times; most is -1 for as often as wanted. */
  static String repeat(String what, int least, int most) {
    if (least == 1 && most == 1) {
      return what;
    }
    String times =
        most < 0
            ? "{" + least + ",}"
            : least == most ? "{" + least + "}" : "{" + least + "," + most + "}";
    return "(" + what + ")" + times;
  }

  private static void character(StringBuilder gbnf, int c, String escaped) {
    if (c >= 0x20 && c < 0x7F) {
      if (escaped.indexOf(c) >= 0) {
        gbnf.append('\\');
      }
      gbnf.append((char) c);
    } else if (c >= 0xA0
        && c < 0xFFF0
        && !Character.isSurrogate((char) c)
        && Character.isLetterOrDigit(c)) {
      gbnf.appendCodePoint(c);
    } else if (c <= 0xFFFF) {
      gbnf.append("\\u%04X".formatted(c));
    } else {
      gbnf.append("\\U%08X".formatted(c));
    }
  }
}
