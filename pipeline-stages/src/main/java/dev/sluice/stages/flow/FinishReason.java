package dev.sluice.stages.flow;

/** Why a generation ended in good order. What did not is a {@link GenerationException}. */
public enum FinishReason {
  /** A stop token or a stop string. */
  STOP,
  /** The request's maximum of tokens, or the end of the context. */
  LENGTH,
  /** Whoever asked no longer wants it. */
  CANCELLED
}
