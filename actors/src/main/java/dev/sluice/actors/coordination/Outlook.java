package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.model.cache.KvType;
import org.jspecify.annotations.Nullable;

/**
 * What would be placed now, beside what runs. Nothing is changed by it.
 *
 * @param model its name and shape, for people
 * @param kvTokens positions that the KV cache is to hold, over all sequences: context times streams
 * @param kvType how keys and values are stored
 * @param running what runs, with what is known of the nodes now; null for nothing, or where one of
 *     its nodes is missing
 * @param best what rebalancing would make of it
 */
public record Outlook(
    String model, long kvTokens, KvType kvType, @Nullable ClusterPlan running, ClusterPlan best)
    implements WireMessage {
  /** Whether layers would move. */
  public boolean moves() {
    return running == null || !running.placed().equals(best.placed());
  }
}
