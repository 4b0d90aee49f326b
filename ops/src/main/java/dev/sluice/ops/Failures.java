package dev.sluice.ops;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Failures as people read them. */
final class Failures {
  private Failures() {}

  /** The failure itself, out of the wrappers that futures put around it. */
  static Throwable unwrap(Throwable failure) {
    Throwable inner = failure;
    Throwable cause = failure.getCause();
    while (cause != null
        && (inner instanceof CompletionException || inner instanceof ExecutionException)) {
      inner = cause;
      cause = inner.getCause();
    }
    return inner;
  }

  /** Its message, or its class where it has none. */
  static String message(Throwable failure) {
    Throwable inner = unwrap(failure);
    String message = inner.getMessage();
    return message == null || message.isBlank() ? inner.getClass().getSimpleName() : message;
  }
}
