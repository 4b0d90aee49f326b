package dev.sluice.actors;

import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts and ends the threads of agents. */
final class Threads {
  private static final Logger LOG = LoggerFactory.getLogger(Threads.class);

  /** Longest sleep of an idle agent: what a frame waits at most, against wake-ups for nothing. */
  private static final long MAX_PARK_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  private static final long MAX_UNHURRIED_PARK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private static final int CLOSE_LIMIT_MILLIS = 10_000;

  private Threads() {}

  /** Runs an agent on a daemon thread that is named after its role. */
  static AgentRunner start(Agent agent) {
    return start(agent, MAX_PARK_NANOS);
  }

  /** Runs an agent for whose work nobody waits, so that it may sleep longer. */
  static AgentRunner startUnhurried(Agent agent) {
    return start(agent, MAX_UNHURRIED_PARK_NANOS);
  }

  private static AgentRunner start(Agent agent, long maxParkNanos) {
    AgentRunner runner =
        new AgentRunner(
            new BackoffIdleStrategy(10, 20, 1_000, maxParkNanos),
            error -> LOG.error("{} has failed", agent.roleName(), error),
            null,
            agent);
    AgentRunner.startOnThread(
        runner,
        work -> {
          Thread thread = new Thread(work, agent.roleName());
          thread.setDaemon(true);
          return thread;
        });
    return runner;
  }

  /**
   * Ends an agent's thread after what it is at.
   *
   * @throws IllegalStateException when it has not ended within ten seconds: what it uses must then
   *     not be freed
   */
  static void close(AgentRunner runner) {
    runner.close(
        CLOSE_LIMIT_MILLIS,
        thread -> {
          throw new IllegalStateException(
              "thread " + thread.getName() + " does not end: " + thread.getState());
        });
    // A second attempt does not wait again.
    if (!runner.isClosed()) {
      throw new IllegalStateException(
          "thread " + runner.agent().roleName() + " has not ended before");
    }
  }
}
