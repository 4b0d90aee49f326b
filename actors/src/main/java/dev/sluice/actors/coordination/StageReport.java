package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvUsage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a stage is doing.
 *
 * @param stage its index in the plan of the report
 * @param state what it is at
 * @param reason of its failure or loss; else empty
 * @param fetch how far its weights are, while they come from other nodes; else null
 * @param kv its cache, once it is ready
 * @param held what it has of sequences from the epoch before
 */
public record StageReport(
    int stage,
    State state,
    String reason,
    @Nullable FetchProgress fetch,
    KvUsage kv,
    List<HeldSlot> held)
    implements WireMessage {
  private static final KvUsage NO_KV = new KvUsage(0, 0, 0, 0, 0);

  /** What a stage is at. */
  public enum State {
    /** It gets its weights and opens its links. */
    LOADING,
    /** It polls its inbound link. */
    READY,
    /** It could not be loaded. */
    FAILED,
    /** It was ready, and cannot go on in this epoch. */
    LOST
  }

  public StageReport {
    held = List.copyOf(held);
  }

  /** A stage that loads. */
  public static StageReport loading(int stage, @Nullable FetchProgress fetch) {
    return new StageReport(stage, State.LOADING, "", fetch, NO_KV, List.of());
  }

  /** A stage that is ready. */
  public static StageReport ready(int stage, KvUsage kv, List<HeldSlot> held) {
    return new StageReport(stage, State.READY, "", null, kv, held);
  }

  /** The same stage, which failed or was lost. */
  public StageReport ended(State how, String why) {
    return new StageReport(stage, how, why, null, kv, held);
  }
}
