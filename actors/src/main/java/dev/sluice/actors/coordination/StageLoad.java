package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.model.cache.KvUsage;

/**
 * How busy a stage is.
 *
 * @param stage its index in the plan of the report
 * @param busyShare of the last seconds, what it computed in, 0..1
 * @param microBatches computed in this epoch
 * @param kv its cache at the moment
 */
public record StageLoad(int stage, double busyShare, long microBatches, KvUsage kv)
    implements WireMessage {}
