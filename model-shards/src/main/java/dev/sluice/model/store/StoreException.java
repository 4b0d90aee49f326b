package dev.sluice.model.store;

import org.jspecify.annotations.Nullable;

/**
 * What a store of models, or a file hashed for it, cannot do. The message says what, where, and
 * what helps.
 */
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure that {@code message} tells in full. */
  public StoreException(String message) {
    super(message);
  }

  /** The same, with what led to it. */
  public StoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
