package dev.sluice.stages.chat;

import java.util.Map;
import java.util.Objects;

/**
 * One message of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, or what else the model's
 *     template knows
 * @param content what is said
 * @param more what else a template may ask for, such as {@code tool_calls}: strings, numbers,
 *     booleans, lists and maps of them
 */
public record ChatMessage(String role, String content, Map<String, Object> more) {
  public ChatMessage {
    more = Map.copyOf(more);
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  /** A message that is text and no more. */
  public ChatMessage(String role, String content) {
    this(role, content, Map.of());
  }
}
