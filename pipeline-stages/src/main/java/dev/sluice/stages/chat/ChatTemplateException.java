package dev.sluice.stages.chat;

import org.jspecify.annotations.Nullable;

/** A chat template refused a conversation, or failed on it. The message says which and why. */
public final class ChatTemplateException extends RuntimeException {
  private final String problem;

  public ChatTemplateException(String problem) {
    this(problem, null);
  }

  public ChatTemplateException(String problem, @Nullable Throwable cause) {
    super(problem, cause);
    this.problem = problem;
  }

  /** What is wrong: the message. */
  public String problem() {
    return problem;
  }
}
