package dev.sluice.ops;

import dev.sluice.stages.chat.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The messages of a chat: perhaps a system message, then questions and answers in turn. */
final class Conversation {
  private final int fixed;
  private final List<ChatMessage> messages = new ArrayList<>();

  Conversation(@Nullable String system) {
    if (system != null) {
      messages.add(new ChatMessage("system", system));
    }
    fixed = messages.size();
  }

  List<ChatMessage> messages() {
    return List.copyOf(messages);
  }

  void add(ChatMessage message) {
    messages.add(message);
  }

  /** Forgets all but the system message. */
  void clear() {
    messages.subList(fixed, messages.size()).clear();
  }

  /** Forgets the last answer, and says whether there was one. */
  boolean dropAnswer() {
    return dropLast("assistant");
  }

  /** Forgets a question that got no answer. */
  void dropQuestion() {
    dropLast("user");
  }

  /** Forgets the oldest question and its answer, and says whether there was one to forget. */
  boolean dropOldestTurn() {
    if (messages.size() - fixed < 3) {
      return false;
    }
    messages.subList(fixed, fixed + 2).clear();
    return true;
  }

  private boolean dropLast(String role) {
    if (messages.size() > fixed && messages.getLast().role().equals(role)) {
      messages.removeLast();
      return true;
    }
    return false;
  }
}
