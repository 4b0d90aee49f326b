package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.model.shard.LayerRange;

/**
 * A stage of a pipeline and where it is.
 *
 * @param node that hosts it
 * @param address where that node receives frames
 * @param range its layers
 */
public record StagePlace(NodeId node, DataAddress address, LayerRange range)
    implements WireMessage {}
