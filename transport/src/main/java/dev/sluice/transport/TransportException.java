package dev.sluice.transport;

/**
 * A link or the media driver behind it cannot be had: a port is taken, a driver does not answer, an
 * address is not allowed. The message names the link and what to do. Flow control is never an
 * exception.
 */
public final class TransportException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TransportException(String message) {
    super(message);
  }

  TransportException(String message, Throwable cause) {
    super(message, cause);
  }
}
