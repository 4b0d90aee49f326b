package dev.sluice.stages.chat;

/** A chat template refused a conversation, or failed on it. The message says which and why. */
public final class ChatTemplateException extends RuntimeException {
  public ChatTemplateException(String message) {
    super(message);
  }

  public ChatTemplateException(String message, Throwable cause) {
    super(message, cause);
  }
}
