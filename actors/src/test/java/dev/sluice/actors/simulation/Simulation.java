package dev.sluice.actors.simulation;

import java.time.Duration;
import java.util.PriorityQueue;
import java.util.Random;

/** What happens when: a clock that jumps from event to event, and the seed of all chance. */
final class Simulation {
  final Random random;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long now;
  private long count;

  private record Event(long at, long number, Runnable action) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(number, other.number);
    }
  }

  Simulation(long seed) {
    random = new Random(seed);
  }

  /** Nanoseconds since the beginning. */
  long now() {
    return now;
  }

  /** Events so far. */
  long count() {
    return count;
  }

  void at(long time, Runnable action) {
    events.add(new Event(Math.max(now, time), count++, action));
  }

  void after(Duration delay, Runnable action) {
    at(now + delay.toNanos(), action);
  }

  /** Again and again, for ever. */
  void every(Duration period, Runnable action) {
    after(
        period,
        () -> {
          action.run();
          every(period, action);
        });
  }

  /** The next event; false where there is none. */
  boolean step() {
    Event next = events.poll();
    if (next == null) {
      return false;
    }
    now = next.at;
    next.action.run();
    return true;
  }

  /** Some time between two, evenly drawn. */
  Duration between(Duration least, Duration most) {
    return Duration.ofNanos(random.nextLong(least.toNanos(), most.toNanos() + 1));
  }

  boolean chance(int perMille) {
    return random.nextInt(1000) < perMille;
  }
}
