package dev.sluice.actors.placement;

/** There is no plan; the message says which stage or node lacks what, and what would help. */
public final class PlacementException extends RuntimeException {
  public PlacementException(String message) {
    super(message);
  }
}
