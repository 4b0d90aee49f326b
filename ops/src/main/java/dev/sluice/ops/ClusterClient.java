package dev.sluice.ops;

import dev.sluice.actors.cluster.ClusterNode;
import dev.sluice.actors.cluster.ClusterSettings;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** A process that joins a cluster for one command, hosting nothing. */
final class ClusterClient implements AutoCloseable {
  private static final Duration JOIN = Duration.ofSeconds(20);
  private static final Duration ANSWER = Duration.ofSeconds(10);

  private final ClusterNode node;

  private ClusterClient(ClusterNode node) {
    this.node = node;
  }

  /**
   * Joins, as a gateway at any free port.
   *
   * @throws CommandException where no member answers
   */
  static ClusterClient join(ClusterOptions options) {
    if (!options.given()) {
      throw new CommandException("which cluster? Name a node of it: --join HOST:PORT");
    }
    Map<String, Object> flags = options.flags();
    flags.put("sluice.node.port", 0);
    flags.put("sluice.node.roles", "gateway");
    ClusterSettings settings = options.settings(flags);
    ClusterClient client = new ClusterClient(ClusterNode.start(settings, null, _ -> {}));
    try {
      ClusterNode.get(client.node.joined(), JOIN, "joining " + String.join(", ", settings.join()));
      return client;
    } catch (IllegalStateException e) {
      client.close();
      throw new CommandException(
          "no member of a cluster answers at " + String.join(", ", settings.join()), e);
    }
  }

  ClusterNode node() {
    return node;
  }

  /** Waits for an answer. */
  static <T> T get(CompletionStage<T> answer, String what) {
    try {
      return ClusterNode.get(answer, ANSWER, what);
    } catch (IllegalStateException e) {
      throw new CommandException(Failures.message(e), e);
    }
  }

  @Override
  public void close() {
    node.close();
  }
}
