package dev.sluice.stages.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Takes an answer apart while it is written: what is said comes as soon as it cannot be the
 * beginning of a call any more, a call when it is whole. White space before a call belongs to the
 * call. What is no whole call of one of the tools is said at the end. For one thread at a time.
 */
public final class ToolReader {
  /** What an answer consists of. */
  public sealed interface Part {
    /** What is said besides; not empty. */
    record Content(String text) implements Part {}

    /** A call of a tool. */
    record Called(Tools.Call call) implements Part {}
  }

  private static final JsonMapper JSON = new JsonMapper();

  private final Set<String> names;
  private final ToolStyle style;
  private final StringBuilder pending = new StringBuilder();

  /** How far a call's end has been looked for. */
  private int searched;

  ToolReader(Set<String> names, ToolStyle style) {
    this.names = names;
    this.style = style;
  }

  /** What is known when this has been written too. */
  public List<Part> add(String text) {
    pending.append(text);
    List<Part> parts = new ArrayList<>();
    if (style == ToolStyle.BARE) {
      if (!mayBeBare()) {
        say(parts, pending.length());
      }
      return parts;
    }
    do {
      say(parts, spoken());
    } while (call(parts));
    return parts;
  }

  /** What is left when nothing more comes. */
  public List<Part> end() {
    List<Part> parts = new ArrayList<>();
    if (style == ToolStyle.BARE && mayBeBare()) {
      Optional<Parsed> whole = parse(0);
      if (whole.isPresent() && pending.substring(whole.get().end()).isBlank()) {
        parts.add(new Part.Called(whole.get().call()));
        pending.setLength(0);
      }
    }
    say(parts, pending.length());
    return parts;
  }

  private void say(List<Part> parts, int length) {
    if (length > 0) {
      parts.add(new Part.Content(pending.substring(0, length)));
      pending.delete(0, length);
      searched = 0;
    }
  }

  private boolean mayBeBare() {
    int start = skipSpace(0);
    return start == pending.length() || pending.charAt(start) == '{';
  }

  /** How much of what is pending is neither a call nor, so far, the beginning of one. */
  private int spoken() {
    String marker = style.open();
    int open = pending.indexOf(marker);
    int end = open;
    if (open < 0) {
      end = Math.max(0, pending.length() - marker.length() + 1);
      while (!marker.startsWith(pending.substring(end))) {
        end++;
      }
    }
    while (end > 0 && Character.isWhitespace(pending.charAt(end - 1))) {
      end--;
    }
    return end;
  }

  /** Takes the call that stands in front, if it is whole. */
  private boolean call(List<Part> parts) {
    int open = skipSpace(0);
    if (!pending.substring(open).startsWith(style.open())) {
      return false;
    }
    int close = pending.indexOf(style.close(), Math.max(open, searched));
    if (close < 0) {
      searched = Math.max(0, pending.length() - style.close().length() + 1);
      return false;
    }
    // The marker may also stand in a string of the call: then the JSON is not whole yet.
    searched = close + 1;
    Optional<Parsed> parsed = parse(open + style.open().length());
    if (parsed.isEmpty()) {
      return false;
    }
    int end = skipSpace(parsed.get().end());
    if (!pending.substring(end).startsWith(style.close())) {
      return false;
    }
    parts.add(new Part.Called(parsed.get().call()));
    pending.delete(0, end + style.close().length());
    searched = 0;
    return true;
  }

  private int skipSpace(int from) {
    int at = from;
    while (at < pending.length() && Character.isWhitespace(pending.charAt(at))) {
      at++;
    }
    return at;
  }

  /** A call and where it ends. */
  private record Parsed(Tools.Call call, int end) {}

  private Optional<Parsed> parse(int from) {
    try (JsonParser parser = JSON.createParser(pending.substring(from))) {
      JsonNode call = parser.readValueAsTree();
      if (call == null) {
        return Optional.empty();
      }
      JsonNode arguments = call.path(style.arguments());
      String name = call.path("name").asText("");
      return names.contains(name) && arguments.isObject()
          ? Optional.of(
              new Parsed(
                  new Tools.Call(name, arguments.toString()),
                  from + Math.toIntExact(parser.currentLocation().getCharOffset())))
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new IllegalStateException("a string could not be read", e);
    }
  }
}
