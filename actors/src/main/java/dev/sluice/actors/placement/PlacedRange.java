package dev.sluice.actors.placement;

import dev.sluice.model.shard.LayerRange;

/**
 * Layers on a node.
 *
 * @param node name of the node
 * @param range its layers
 */
public record PlacedRange(String node, LayerRange range) {}
