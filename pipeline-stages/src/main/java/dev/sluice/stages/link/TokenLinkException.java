package dev.sluice.stages.link;

/**
 * The token link is closed, has taken nothing for longer than allowed, or was stopped with a frame
 * unsent.
 */
public final class TokenLinkException extends RuntimeException {
  TokenLinkException(String message) {
    super(message);
  }
}
