package dev.sluice.actors.security;

import org.jspecify.annotations.Nullable;

/** What is missing or wrong for a node to be safe; the message says where, and what to do. */
public final class SecurityConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SecurityConfigException(String message) {
    super(message);
  }

  SecurityConfigException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
