package dev.sluice.stages.tokenizer;

/** A vocabulary that cannot be learnt: the message says why and what to do. */
public final class TokenizerTrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TokenizerTrainingException(String message) {
    super(message);
  }
}
