package dev.sluice.stages.chat;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.AdvancedFilter;
import com.hubspot.jinjava.objects.SafeString;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code tojson} as Hugging Face defines it: Python's {@code json.dumps}, a space behind
 * each comma and colon, characters beyond ASCII as they are, HTML not escaped.
 */
final class ToJsonFilter implements AdvancedFilter {
  private static final int MAX_DEPTH = 64;

  @Override
  public String getName() {
    return "tojson";
  }

  @Override
  public Object filter(
      @Nullable Object value,
      JinjavaInterpreter interpreter,
      Object[] arguments,
      Map<String, Object> named) {
    Object indent = arguments.length > 0 ? arguments[0] : named.get("indent");
    StringBuilder json = new StringBuilder();
    write(value, indent instanceof Number n ? n.intValue() : -1, 0, json);
    return json.toString();
  }

  private static void write(@Nullable Object value, int indent, int depth, StringBuilder json) {
    if (depth > MAX_DEPTH) {
      throw new ChatTemplateException("tojson: nested deeper than " + MAX_DEPTH);
    }
    switch (value) {
      case null -> json.append("null");
      case Map<?, ?> map -> {
        json.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          json.append(separator);
          line(indent, depth + 1, json);
          string(String.valueOf(entry.getKey()), json);
          json.append(": ");
          write(entry.getValue(), indent, depth + 1, json);
          separator = indent < 0 ? ", " : ",";
        }
        line(map.isEmpty() ? -1 : indent, depth, json);
        json.append('}');
      }
      case List<?> list -> {
        json.append('[');
        String separator = "";
        for (Object element : list) {
          json.append(separator);
          line(indent, depth + 1, json);
          write(element, indent, depth + 1, json);
          separator = indent < 0 ? ", " : ",";
        }
        line(list.isEmpty() ? -1 : indent, depth, json);
        json.append(']');
      }
      case String text -> string(text, json);
      case SafeString text -> string(text.getValue(), json);
      case Number number -> json.append(number);
      case Boolean truth -> json.append(truth);
      default -> throw new ChatTemplateException("tojson: a value that is not data");
    }
  }

  private static void line(int indent, int depth, StringBuilder json) {
    if (indent >= 0) {
      json.append('\n').repeat(' ', Math.min(indent, 16) * depth);
    }
  }

  private static void string(String text, StringBuilder json) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        case '\b' -> json.append("\\b");
        case '\f' -> json.append("\\f");
        default -> {
          if (c < ' ') {
            json.append(String.format("\\u%04x", (int) c));
          } else {
            json.append(c);
          }
        }
      }
    }
    json.append('"');
  }
}
