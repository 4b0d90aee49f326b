package dev.sluice.actors.weights;

import org.jspecify.annotations.Nullable;

/** Weights that could not be fetched; the message says of which model, why, and what helps. */
public final class WeightsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure that {@code message} tells in full. */
  public WeightsException(String message) {
    super(message);
  }

  /** The same, with what led to it. */
  public WeightsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
