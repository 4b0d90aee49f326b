package dev.sluice.ops;

import org.jspecify.annotations.Nullable;

/** What a user can mend: the message says what was wrong, where, and what to do. */
public final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure that {@code message} tells in full. */
  public CommandException(String message) {
    super(message);
  }

  /** The same, with what led to it. */
  public CommandException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
