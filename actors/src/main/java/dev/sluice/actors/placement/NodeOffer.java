package dev.sluice.actors.placement;

import dev.sluice.model.gguf.GgmlType;
import java.util.Map;

/**
 * What a node brings: the input of the placement. Immutable; it may have come from another machine,
 * so everything is checked.
 *
 * @param name of the node, different from the others'
 * @param memoryBytes what it gives to weights, keys and values, and buffers; what the JVM needs
 *     besides is not in it
 * @param cores that compute
 * @param speeds measured, by the weights' type; for a type that is missing the slowest of the
 *     others stands, and {@link KernelRate#assumed} where there is none
 * @param roundTripNanos to other nodes by name, in nanoseconds; for one that is missing {@link
 *     #UNKNOWN_ROUND_TRIP_NANOS}
 */
public record NodeOffer(
    String name,
    long memoryBytes,
    int cores,
    Map<GgmlType, KernelRate> speeds,
    Map<String, Long> roundTripNanos) {
  /** What a round trip is taken to last where it was not measured: a local network's. */
  public static final long UNKNOWN_ROUND_TRIP_NANOS = 200_000;

  private static final int MAX_NAME = 255;
  private static final int MAX_CORES = 1 << 16;
  private static final int MAX_LINKS = 1 << 12;

  /**
   * Checks all of it.
   *
   * @throws IllegalArgumentException naming what is out of its limits
   */
  public NodeOffer {
    if (name.isBlank() || name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "a node's name has 1 to " + MAX_NAME + " characters, not '" + name + "'");
    }
    if (memoryBytes < 0) {
      throw new IllegalArgumentException("node " + name + ": memory of " + memoryBytes + " bytes");
    }
    if (cores < 1 || cores > MAX_CORES) {
      throw new IllegalArgumentException("node " + name + ": " + cores + " cores");
    }
    if (roundTripNanos.size() > MAX_LINKS
        || roundTripNanos.values().stream().anyMatch(nanos -> nanos < 0)) {
      throw new IllegalArgumentException("node " + name + ": impossible round trips");
    }
    speeds = Map.copyOf(speeds);
    roundTripNanos = Map.copyOf(roundTripNanos);
  }

  /** A node of which nothing was measured. */
  public static NodeOffer unmeasured(String name, long memoryBytes, int cores) {
    return new NodeOffer(name, memoryBytes, cores, Map.of(), Map.of());
  }

  /** Its speed with weights of a type, measured or taken to be so. */
  public KernelRate speed(GgmlType type) {
    KernelRate measured = speeds.get(type);
    if (measured != null) {
      return measured;
    }
    return speeds.values().stream()
        .reduce(
            (a, b) ->
                new KernelRate(Math.min(a.decode(), b.decode()), Math.min(a.prompt(), b.prompt())))
        .orElseGet(() -> KernelRate.assumed(cores));
  }
}
