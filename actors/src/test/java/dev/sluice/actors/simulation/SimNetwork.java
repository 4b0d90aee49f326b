package dev.sluice.actors.simulation;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Carries messages between machines, which it knows by name. It may lose, double, delay and
 * overtake, and cut machines off from each other.
 */
final class SimNetwork {
  private final Simulation simulation;
  private final Map<String, Long> lastArrival = new HashMap<>();
  private final Set<String> cutOff = new HashSet<>();

  /** Of a thousand messages so many are lost, and so many come twice. */
  int lost;

  int doubled;

  /** Whether a message may overtake another between the same two machines. */
  boolean overtakes;

  Duration slowest = Duration.ofMillis(3);

  SimNetwork(Simulation simulation) {
    this.simulation = simulation;
  }

  /** Separates a machine from all others, or joins it to them again. */
  void cutOff(String machine, boolean cut) {
    if (cut) {
      cutOff.add(machine);
    } else {
      cutOff.remove(machine);
    }
  }

  /** No more faults. */
  void heal() {
    cutOff.clear();
    lost = 0;
    doubled = 0;
    overtakes = false;
  }

  boolean connected(String from, String to) {
    return from.equals(to) || (!cutOff.contains(from) && !cutOff.contains(to));
  }

  void send(String from, String to, Runnable deliver) {
    boolean local = from.equals(to);
    if (!connected(from, to) || (!local && simulation.chance(lost))) {
      return;
    }
    int times = !local && simulation.chance(doubled) ? 2 : 1;
    for (int i = 0; i < times; i++) {
      long arrival =
          simulation.now() + simulation.between(Duration.ofNanos(20_000), slowest).toNanos();
      if (!overtakes || local) {
        arrival = Math.max(arrival, lastArrival.getOrDefault(from + ">" + to, 0L) + 1);
        lastArrival.put(from + ">" + to, arrival);
      }
      simulation.at(arrival, deliver);
    }
  }
}
