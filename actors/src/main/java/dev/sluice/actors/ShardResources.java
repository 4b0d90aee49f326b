package dev.sluice.actors;

import dev.sluice.actors.kept.LogLimits;
import dev.sluice.transport.Transport;
import java.time.Duration;

/**
 * What the node lends to a shard.
 *
 * @param sendLimit longest time that a frame with tokens may wait for the head
 * @param log how much of what it gives to the next stage it keeps
 */
record ShardResources(
    ShardLoader loader,
    Transport transport,
    ModelShape shape,
    StageMonitor monitor,
    Duration sendLimit,
    LogLimits log) {}
