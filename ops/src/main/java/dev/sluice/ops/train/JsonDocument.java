package dev.sluice.ops.train;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.sluice.ops.CommandException;
import dev.sluice.ops.train.Documents.Document;
import dev.sluice.stages.chat.ChatMessage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a document from a line of a {@code .jsonl} file. For one line, one thread. */
final class JsonDocument {
  private static final int MAX_MESSAGES = 10_000;
  private static final Set<String> ROLES = Set.of("system", "user", "assistant");
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(TextLines.MAX_LINE_BYTES)
                  .maxNestingDepth(64)
                  .build())
          .build();

  private final TextLines lines;
  private final JsonParser json;

  private JsonDocument(TextLines lines, JsonParser json) {
    this.lines = lines;
    this.json = json;
  }

  /**
   * The document in a line.
   *
   * @throws CommandException where it has none
   */
  static Document read(TextLines lines) {
    try (JsonParser json = FACTORY.createParser(lines.bytes())) {
      return new JsonDocument(lines, json).document();
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
      throw problem(lines, at, "not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw problem(lines, 0, "cannot be read: " + e.getMessage(), e);
    }
  }

  private Document document() throws IOException {
    expect(json.nextToken(), JsonToken.START_OBJECT, "the line");
    String text = null;
    List<ChatMessage> messages = List.of();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      switch (json.currentName()) {
        case "text" -> text = string("\"text\"");
        case "messages" -> messages = messages();
        default -> skipValue();
      }
    }
    if (json.nextToken() != null) {
      throw problem("there is more behind the object");
    }
    if ((text == null) == messages.isEmpty()) {
      throw problem(
          text == null
              ? "neither \"text\" nor \"messages\" is there"
              : "both \"text\" and \"messages\" are there; give one");
    }
    return new Document(text, messages, lines.file() + ":" + lines.line());
  }

  private List<ChatMessage> messages() throws IOException {
    expect(json.nextToken(), JsonToken.START_ARRAY, "\"messages\"");
    List<ChatMessage> messages = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json.currentToken(), JsonToken.START_OBJECT, "each of \"messages\"");
      if (messages.size() == MAX_MESSAGES) {
        throw problem("more than " + MAX_MESSAGES + " messages");
      }
      messages.add(message());
    }
    if (messages.isEmpty()) {
      throw problem("\"messages\" is empty");
    }
    return messages;
  }

  private ChatMessage message() throws IOException {
    String role = null;
    String content = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      switch (json.currentName()) {
        case "role" -> role = string("\"role\"");
        case "content" -> content = string("\"content\"");
        default -> skipValue();
      }
    }
    if (role == null || content == null) {
      throw problem("a message without " + (role == null ? "\"role\"" : "\"content\""));
    }
    if (!ROLES.contains(role)) {
      throw problem("the role \"" + role + "\" is none of system, user and assistant");
    }
    return new ChatMessage(role, content);
  }

  private String string(String name) throws IOException {
    expect(json.nextToken(), JsonToken.VALUE_STRING, name);
    String text = json.getText();
    for (int i = 0; i < text.length(); i++) {
      if (Character.isHighSurrogate(text.charAt(i))
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(text.charAt(i))) {
        throw problem(
            "%s has half a surrogate pair: \\u%04x".formatted(name, (int) text.charAt(i)));
      }
    }
    return text;
  }

  private void skipValue() throws IOException {
    json.nextToken();
    json.skipChildren();
  }

  private void expect(@Nullable JsonToken found, JsonToken wanted, String name) {
    if (found != wanted) {
      String what =
          switch (wanted) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            default -> "a string";
          };
      throw problem(name + " is not " + what);
    }
  }

  private CommandException problem(String problem) {
    return problem(lines, Math.max(0, json.currentLocation().getByteOffset()), problem, null);
  }

  private static CommandException problem(
      TextLines lines, long at, String problem, @Nullable Throwable cause) {
    return new CommandException(
        "%s:%d: %s (near offset %d)"
            .formatted(lines.file(), lines.line(), problem, lines.offset() + at),
        cause);
  }
}
