package dev.sluice.stages.flow;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A generation that could not go on. The message names the thing, the place and, where there is
 * one, the remedy.
 */
public final class GenerationException extends RuntimeException {

  /** What kind of failure, so that a caller can tell what to do about it. */
  public enum Kind {
    /**
     * The request can never work as it stands: empty, too long for the context, unknown token ids.
     */
    INVALID_REQUEST,
    /** Too much at once; the same request may work later. */
    OVERLOADED,
    /** No free pages in the KV cache of a stage. */
    NO_KV_PAGES,
    /** A stage gave NaN or infinite numbers. */
    NON_FINITE,
    /** A shard threw. */
    SHARD_FAILED,
    /** The pipeline is not there: starting, broken or shut down. */
    UNAVAILABLE,
    /** An invariant of this program is broken. */
    INTERNAL
  }

  private final Kind kind;
  private final @Nullable Duration retryAfter;

  public GenerationException(Kind kind, String message) {
    super(message);
    this.kind = kind;
    this.retryAfter = null;
  }

  public GenerationException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.retryAfter = null;
  }

  /**
   * A failure that may pass.
   *
   * @param retryAfter when it is worth while to try again
   */
  public GenerationException(Kind kind, String message, Duration retryAfter) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }

  public Kind kind() {
    return kind;
  }

  /** When it is worth while to try again, where that is known. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
