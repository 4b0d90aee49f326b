package dev.sluice.actors.probe;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Round trips to other nodes: of each the shortest of the last {@value #SAMPLES}, since whatever
 * delays a message does not belong to the link. Plain, for one thread.
 */
final class RoundTrips {
  /** Samples that count. */
  static final int SAMPLES = 8;

  /** A figure that differs by less from the one given out is the same, so that plans are too. */
  private static final double NEWS = 0.25;

  private final Map<String, long[]> samples = new HashMap<>();
  private final Map<String, Integer> counts = new HashMap<>();
  private Map<String, Long> given = Map.of();

  /** Takes a measured round trip; negative ones are none. */
  void add(String node, long nanos) {
    if (nanos < 0) {
      return;
    }
    int count = counts.merge(node, 1, Integer::sum);
    samples.computeIfAbsent(node, _ -> new long[SAMPLES])[(count - 1) % SAMPLES] = nanos;
  }

  /** Forgets nodes that are not among those there. */
  void retain(Set<String> nodes) {
    samples.keySet().retainAll(nodes);
    counts.keySet().retainAll(nodes);
  }

  /** The figures in nanoseconds; those of nodes that changed little are as before. */
  Map<String, Long> nanos() {
    Map<String, Long> now = new HashMap<>();
    samples.forEach(
        (node, values) -> {
          long shortest = Long.MAX_VALUE;
          for (int i = 0; i < Math.min(SAMPLES, counts.getOrDefault(node, 0)); i++) {
            shortest = Math.min(shortest, values[i]);
          }
          long before = given.getOrDefault(node, -1L);
          now.put(node, Math.abs(shortest - before) <= NEWS * before ? before : shortest);
        });
    given = Map.copyOf(now);
    return given;
  }
}
