package dev.sluice.ops;

import dev.sluice.actors.CoordinatorActor;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.StoredLayers;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which models the nodes of a cluster have, and which of them it runs. */
public final class ClusterModels {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(200);

  private ClusterModels() {}

  /**
   * The models that nodes have, by content; first the one that runs, or would. Waits for a moment
   * where there is none yet.
   *
   * @throws CommandException if there is none
   */
  public static List<ModelCard> all(ClusterClient client) {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      List<ModelCard> found = all(client.status());
      if (!found.isEmpty()) {
        return found;
      }
      if (System.nanoTime() - end >= 0) {
        throw new CommandException(
            "no node of the cluster has a model: start one with --model FILE");
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException("interrupted", e);
      }
    }
  }

  private static List<ModelCard> all(CoordinatorActor.Status status) {
    Map<String, ModelCard> found = new LinkedHashMap<>();
    EpochPlan plan = status.plan();
    if (plan != null) {
      found.put(plan.model(), new ModelCard(plan.model(), ""));
    }
    for (NodeReport node : status.nodes()) {
      ModelCard card = node.resources().model();
      if (card != null) {
        found.merge(card.content(), card, (a, b) -> a.name().isEmpty() ? b : a);
      }
    }
    for (NodeReport node : status.nodes()) {
      StoredLayers stored = node.resources().stored();
      if (stored != null) {
        found.putIfAbsent(stored.content(), new ModelCard(stored.content(), ""));
      }
    }
    return List.copyOf(found.values());
  }
}
