package dev.sluice.actors;

import dev.sluice.model.shard.LayerRange;
import dev.sluice.transport.LinkAddress;

/**
 * How a stage's keys and values get to the next stage, which keeps a copy of them, and back, and
 * those of the stage before it to this one. The first stage comes after the last.
 *
 * @param kept layers of the stage before, of which this one keeps the copy
 * @param toKeeper where the next stage listens for this one's
 * @param fromKeeper where this stage listens for what the next one has of it
 * @param fromOwner where this stage listens for those of the stage before
 * @param toOwner where the stage before listens for what this one has of it
 */
record ReplicaLinks(
    LayerRange kept,
    LinkAddress toKeeper,
    LinkAddress fromKeeper,
    LinkAddress fromOwner,
    LinkAddress toOwner) {}
