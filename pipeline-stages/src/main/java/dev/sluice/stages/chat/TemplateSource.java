package dev.sluice.stages.chat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Jinja template, cut into text and tags as Jinja cuts it, and written anew for Jinjava.
 *
 * <p>Jinjava differs from Jinja where chat templates notice: in which white space tags swallow, in
 * text with braces, in loops with a condition, in reversed slices. White space in Jinja is a matter
 * of the source alone, so it is settled here, with {@code trim_blocks} and {@code lstrip_blocks} as
 * Hugging Face sets them: what Jinjava gets has no text at all, only tags, which print the pieces
 * of text by number. Each loop's body begins with a step that is counted, which bounds the work.
 *
 * @param jinjava what Jinjava is given
 * @param texts the pieces of text, which it finds under {@link #TEXTS}
 */
record TemplateSource(String jinjava, List<String> texts) {
  static final String TEXTS = "sluice_texts";
  static final String RENDERING = "sluice_rendering";
  static final String REVERSED = "sluice_reversed";

  private static final String CONDITION = "if";
  private static final String LOOP_IS_OVER = "for-else";
  private static final String FILTERED = "sluice_filtered_";
  private static final Pattern PLAIN = Pattern.compile("'[\\w <>|:.,/-]*'|\"[\\w <>|:.,/-]*\"");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*endraw\\s*[-+]?%}");

  /** Cuts and writes a template; one that is not closed properly is refused with its place. */
  static TemplateSource of(String template) {
    return new Cutter(template).cut();
  }

  /** The state of cutting one template. */
  private static final class Cutter {
    private final String source;
    private final StringBuilder out = new StringBuilder();
    private final List<String> texts = new ArrayList<>();
    private int at;
    private int loops;

    /** The open blocks that can have an else: of a loop, what it runs over. */
    private final Deque<String> blocks = new ArrayDeque<>();

    /** Whether the tag before took all white space behind it with it. */
    private boolean eatSpace;

    /** Whether the tag before took the line end behind it, so that a line begins here. */
    private boolean lineBegins = true;

    Cutter(String template) {
      String lines = template.replace("\r\n", "\n").replace('\r', '\n');
      source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
    }

    TemplateSource cut() {
      while (at < source.length()) {
        int tag = nextTag();
        String text = source.substring(at, tag);
        if (tag == source.length()) {
          text(eatSpace ? text.stripLeading() : text);
          break;
        }
        tag(tag, text);
      }
      if (!blocks.isEmpty()) {
        throw new ChatTemplateException(
            "the end of " + (blocks.peek().equals(CONDITION) ? "an if" : "a for") + " is missing");
      }
      return new TemplateSource(out.toString(), List.copyOf(texts));
    }

    private int nextTag() {
      for (int i = at; i + 1 < source.length(); i++) {
        char kind = source.charAt(i + 1);
        if (source.charAt(i) == '{' && (kind == '{' || kind == '%' || kind == '#')) {
          return i;
        }
      }
      return source.length();
    }

    private void tag(int start, String before) {
      char kind = source.charAt(start + 1);
      String close = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
      int end = kind == '#' ? source.indexOf(close, start + 2) : closing(start + 2, close);
      if (end < 0) {
        throw new ChatTemplateException(
            "line " + line(start) + ": a tag is not closed by " + close);
      }
      int from = start + 2;
      int to = end;
      char opening = from < to ? source.charAt(from) : ' ';
      boolean control = opening == '-' || (opening == '+' && kind != '{');
      from += control ? 1 : 0;
      char ending = from < to ? source.charAt(to - 1) : ' ';
      boolean keepsLine = ending == '+' && kind != '{';
      to -= ending == '-' || keepsLine ? 1 : 0;

      before(before, opening == '-', kind != '{' && opening != '+');
      at = end + 2;
      behind(ending == '-', kind != '{' && !keepsLine);
      String code = source.substring(from, to).strip();
      switch (kind) {
        case '{' ->
            out.append("{{ ")
                .append(RENDERING)
                .append(".print(")
                .append(rewrite(code))
                .append(") }}");
        case '%' -> block(code, start);
        default -> {}
      }
    }

    /** Adds the text before a tag, without the white space that the tag takes. */
    private void before(String before, boolean eatAll, boolean eatIndent) {
      String text = eatSpace ? before.stripLeading() : before;
      if (eatAll) {
        text = text.stripTrailing();
      } else if (eatIndent) {
        int line = text.lastIndexOf('\n') + 1;
        if ((line > 0 || lineBegins) && text.substring(line).isBlank()) {
          text = text.substring(0, line);
        }
      }
      text(text);
    }

    /** Notes which white space behind a tag goes with it, and takes the line end if that does. */
    private void behind(boolean eatAll, boolean eatLine) {
      eatSpace = eatAll;
      lineBegins = false;
      if (!eatAll && eatLine && at < source.length() && source.charAt(at) == '\n') {
        at++;
        lineBegins = true;
      }
    }

    private void text(String text) {
      if (!text.isEmpty()) {
        out.append("{{ ").append(TEXTS).append('[').append(texts.size()).append("] }}");
        texts.add(text);
      }
    }

    private void block(String code, int start) {
      switch (firstWord(code)) {
        case "raw" -> raw(start);
        case "for" -> loop(rewrite(code), start);
        case "set" -> out.append("{% ").append(assignment(rewrite(code))).append(" %}");
        case "if" -> {
          blocks.push(CONDITION);
          out.append("{% ").append(rewrite(code)).append(" %}");
        }
        case "else" -> otherwise();
        case "endfor", "endif" -> end(code, start);
        // These mark what the model wrote, for training.
        case "generation", "endgeneration" -> {}
        default -> out.append("{% ").append(rewrite(code)).append(" %}");
      }
    }

    /** An assignment of values that are not too long: their lengths could double in a loop. */
    private static String assignment(String code) {
      int equals = topLevel(code, "=", 0);
      if (equals < 0) {
        return code;
      }
      StringBuilder kept = new StringBuilder(code.substring(0, equals)).append("= ");
      int from = equals + 1;
      for (int comma = topLevel(code, ",", from); ; comma = topLevel(code, ",", from)) {
        String value = code.substring(from, comma < 0 ? code.length() : comma);
        kept.append(RENDERING).append(".keep(").append(value.strip()).append(')');
        if (comma < 0) {
          return kept.toString();
        }
        kept.append(", ");
        from = comma + 1;
      }
    }

    /** The part of a loop for when there is nothing to loop over, which Jinjava does not know. */
    private void otherwise() {
      String items = blocks.isEmpty() ? CONDITION : blocks.peek();
      if (items.equals(CONDITION) || items.equals(LOOP_IS_OVER)) {
        out.append("{% else %}");
      } else {
        out.append("{% endfor %}{% if not (").append(items).append(") %}");
        blocks.pop();
        blocks.push(LOOP_IS_OVER);
      }
    }

    private void end(String code, int start) {
      if (blocks.isEmpty() || blocks.peek().equals(CONDITION) != code.equals("endif")) {
        throw new ChatTemplateException("line " + line(start) + ": " + code + " ends nothing");
      }
      out.append(blocks.pop().equals(LOOP_IS_OVER) ? "{% endif %}" : "{% " + code + " %}");
    }

    private void raw(int start) {
      Matcher end = RAW.matcher(source);
      if (!end.find(at)) {
        throw new ChatTemplateException("line " + line(start) + ": raw without endraw");
      }
      String tag = end.group();
      before(source.substring(at, end.start()), tag.startsWith("{%-"), !tag.startsWith("{%+"));
      at = end.end();
      behind(tag.endsWith("-%}"), !tag.endsWith("+%}"));
    }

    /** A loop; one with a condition runs over a list of those for which the condition holds. */
    private void loop(String code, int start) {
      int in = topLevel(code, " in ", 0);
      if (in < 0) {
        throw new ChatTemplateException("line " + line(start) + ": for without in");
      }
      String name = code.substring("for".length(), in).strip();
      int condition = topLevel(code, " if ", in);
      String items = code.substring(in + 4, condition < 0 ? code.length() : condition);
      if (condition >= 0) {
        String list = FILTERED + loops++;
        String item = name.indexOf(',') < 0 ? name : "[" + name + "]";
        out.append("{% set ").append(list).append(" = [] %}");
        open(name, items);
        out.append("{% if ").append(code.substring(condition + 4)).append(" %}");
        out.append("{% if ").append(list).append(".append(").append(item).append(") %}");
        out.append("{% endif %}{% endif %}{% endfor %}");
        items = list;
      }
      open(name, items);
      blocks.push(items);
    }

    private void open(String name, String items) {
      out.append("{% for ").append(name).append(" in ").append(items).append(" %}");
      out.append("{{ ").append(RENDERING).append(".step() }}");
    }

    /** Where a tag's end is that is not within quotes or braces, or -1. */
    private int closing(int from, String close) {
      int depth = 0;
      for (int i = from; i < source.length(); i++) {
        char c = source.charAt(i);
        if (depth == 0 && source.startsWith(close, i)) {
          return i;
        }
        if (ExpressionRewriter.isQuote(c)) {
          i = ExpressionRewriter.quoteEnd(source, i);
        } else if (c == '{') {
          depth++;
        } else if (c == '}') {
          depth--;
        }
      }
      return -1;
    }

    private String rewrite(String code) {
      return new ExpressionRewriter(code, this::literal).rewrite();
    }

    /**
     * A string literal: a variable, so that its escapes are Python's, unless it has only letters.
     */
    private String literal(String literal) {
      return PLAIN.matcher(literal).matches() ? literal : variable(literal);
    }

    private String variable(String literal) {
      texts.add(PythonStrings.unescape(literal.substring(1, literal.length() - 1)));
      return TEXTS + "[" + (texts.size() - 1) + "]";
    }

    private int line(int place) {
      return 1 + (int) source.substring(0, place).chars().filter(c -> c == '\n').count();
    }
  }

  /** Where a word stands outside quotes and brackets, or -1. */
  private static int topLevel(String code, String word, int from) {
    int depth = 0;
    for (int i = 0; i < code.length(); i++) {
      char c = code.charAt(i);
      if (ExpressionRewriter.isQuote(c)) {
        i = ExpressionRewriter.quoteEnd(code, i);
      } else if (c == '(' || c == '[' || c == '{') {
        depth++;
      } else if (c == ')' || c == ']' || c == '}') {
        depth--;
      } else if (depth == 0 && i >= from && code.startsWith(word, i)) {
        return i;
      }
    }
    return -1;
  }

  private static String firstWord(String code) {
    int end = 0;
    while (end < code.length() && Character.isLetter(code.charAt(end))) {
      end++;
    }
    return code.substring(0, end);
  }
}
