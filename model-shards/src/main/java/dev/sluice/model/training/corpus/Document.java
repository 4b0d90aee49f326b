package dev.sluice.model.training.corpus;

import java.util.List;

/** A piece of text to learn from. */
public sealed interface Document {
  /** Text that is learnt as a whole. */
  record Text(String text) implements Document {}

  /** A conversation of which the assistant's part is learnt. */
  record Chat(List<Message> messages) implements Document {
    /** Copies the messages. */
    public Chat {
      messages = List.copyOf(messages);
    }
  }

  /**
   * A message of a conversation.
   *
   * @param role {@code system}, {@code user} or {@code assistant}
   * @param content what it says
   */
  record Message(String role, String content) {}

  /**
   * How many words, digits and punctuation marks it has: about the tokens of a tokenizer that
   * learnt from such text, where each digit is a token of its own.
   */
  default long tokens() {
    return switch (this) {
      case Text(String text) -> tokens(text);
      case Chat(List<Message> messages) ->
          messages.stream().mapToLong(message -> tokens(message.content())).sum();
    };
  }

  private static long tokens(String text) {
    long tokens = 0;
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = Character.isLetter(c);
      if (letter ? !inWord : !Character.isWhitespace(c)) {
        tokens++;
      }
      inWord = letter;
    }
    return tokens;
  }
}
