package dev.sluice.actors;

import dev.sluice.model.shard.ShardOptions;
import dev.sluice.transport.LinkAddress;
import org.jspecify.annotations.Nullable;

/**
 * What a stage is to do in an epoch.
 *
 * @param epoch of the pipeline
 * @param stage index of the stage
 * @param last whether it is the last one, which samples
 * @param model content id of the file
 * @param options its layers and sizes
 * @param inbound where it listens
 * @param outbound where the next stage listens, or, for the last one, the head
 * @param replica the links of copied keys and values; null where they are not copied
 */
record ShardAssignment(
    int epoch,
    int stage,
    boolean last,
    String model,
    ShardOptions options,
    LinkAddress inbound,
    LinkAddress outbound,
    @Nullable ReplicaLinks replica) {}
