package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.model.cache.KvUsage;
import java.util.List;

/**
 * How a stage is doing.
 *
 * @param stage its index in the plan of the report
 * @param state what it is at
 * @param reason of its failure or loss; while it loads, how far it is; else empty
 * @param kv its cache, once it is ready
 * @param held for each slot the positions that its cache kept from the epoch before
 * @param logged for each slot the positions, from 0, whose outputs it can give to its successor
 */
public record StageReport(
    int stage, State state, String reason, KvUsage kv, List<Integer> held, List<Integer> logged)
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
    logged = List.copyOf(logged);
  }

  /** A stage that loads, with a word on how far it is. */
  public static StageReport loading(int stage, String progress) {
    return new StageReport(stage, State.LOADING, progress, NO_KV, List.of(), List.of());
  }

  /** A stage that is ready. */
  public static StageReport ready(int stage, KvUsage kv, List<Integer> held, List<Integer> logged) {
    return new StageReport(stage, State.READY, "", kv, held, logged);
  }

  /** The same stage, which failed or was lost. */
  public StageReport ended(State how, String why) {
    return new StageReport(stage, how, why, kv, held, logged);
  }
}
