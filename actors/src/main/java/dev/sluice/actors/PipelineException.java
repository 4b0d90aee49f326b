package dev.sluice.actors;

/** A pipeline that could not be started; the message says which part failed, and why. */
public final class PipelineException extends RuntimeException {
  public PipelineException(String message) {
    super(message);
  }

  public PipelineException(String message, Throwable cause) {
    super(message, cause);
  }
}
