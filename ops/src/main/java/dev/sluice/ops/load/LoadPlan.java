package dev.sluice.ops.load;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * What is asked of a server.
 *
 * @param server its address
 * @param key for it
 * @param concurrent clients that each ask again as soon as they are answered; 0: an open loop
 * @param perSecond requests a second, whose arrivals are a Poisson process; of an open loop
 * @param time how long requests are begun; each client asks once at least
 * @param different requests that differ, each asked often
 * @param maxTokens of an answer, which has exactly so many
 * @param seed of arrivals and answers
 * @param firstWithin a request counts as good when its first token came within this time
 * @param betweenWithin and the others one after the other, on average, within this
 */
public record LoadPlan(
    URI server,
    Optional<String> key,
    int concurrent,
    double perSecond,
    Duration time,
    int different,
    int maxTokens,
    long seed,
    Duration firstWithin,
    Duration betweenWithin) {
  /** Most clients at a time; beyond, requests of an open loop are not begun, and counted. */
  public static final int MAX_CLIENTS = 2_000;

  public LoadPlan {
    if (concurrent < 0 || concurrent > MAX_CLIENTS) {
      throw new IllegalArgumentException(concurrent + " clients: must be from 1 to " + MAX_CLIENTS);
    }
    if (concurrent == 0 && !(perSecond > 0 && perSecond <= 10_000)) {
      throw new IllegalArgumentException(
          perSecond + " requests a second: must be above 0 and at most 10000");
    }
    if (!time.isPositive() || time.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException("a time of " + time + ": must be at most a day");
    }
    if (different < 1 || different > 10_000 || maxTokens < 1 || maxTokens > 1 << 20) {
      throw new IllegalArgumentException(
          "%d different requests for %d tokens: must be from 1 to 10000 for 1 to 1048576"
              .formatted(different, maxTokens));
    }
  }
}
