package dev.sluice.actors.coordination;

import java.time.Duration;

/**
 * The bounds that {@link Coordination} keeps.
 *
 * @param gather longest time that a new coordinator waits for reports of what runs
 * @param settle how long no node must have joined before the first pipeline is built
 * @param minNodes nodes that the first pipeline waits for
 * @param start longest time until every stage is ready
 * @param attach longest time until the head serves the stages
 * @param resend after so long without the expected report an order is told again
 * @param lasting a pipeline that ran so long counts as a success
 * @param pause before the second building in a row; doubled for each further one
 * @param maxAttempts buildings in a row that may not last
 * @param exclusion how long a node that could not load its part gets none; doubled each time
 * @param retryAfter what gateways tell those whom they refuse
 * @param standalone whether this is the only node there will ever be: what cannot be built the
 *     first time, or does not last, is given up for good, and not retried when something changes
 */
public record CoordinationSettings(
    Duration gather,
    Duration settle,
    int minNodes,
    Duration start,
    Duration attach,
    Duration resend,
    Duration lasting,
    Duration pause,
    int maxAttempts,
    Duration exclusion,
    Duration retryAfter,
    boolean standalone) {

  /** For a process that runs alone. */
  public static CoordinationSettings standalone(Duration start) {
    return new CoordinationSettings(
        Duration.ofSeconds(5),
        Duration.ZERO,
        1,
        start,
        Duration.ofSeconds(30),
        Duration.ofSeconds(1),
        Duration.ofSeconds(30),
        Duration.ofMillis(50),
        5,
        Duration.ofSeconds(10),
        Duration.ofSeconds(5),
        true);
  }

  /** For a node of a cluster. */
  public static CoordinationSettings cluster(int minNodes, Duration start) {
    return new CoordinationSettings(
        Duration.ofSeconds(3),
        Duration.ofSeconds(1),
        minNodes,
        start,
        Duration.ofSeconds(10),
        Duration.ofMillis(500),
        Duration.ofSeconds(30),
        Duration.ofMillis(50),
        5,
        Duration.ofSeconds(10),
        Duration.ofSeconds(5),
        false);
  }
}
