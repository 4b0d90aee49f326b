package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.model.shard.LayerRange;
import java.util.List;

/**
 * What a node has in its store of the model that the cluster runs; other nodes fetch it from there.
 *
 * @param content id of the model's file
 * @param layers those that are there whole, ascending
 */
public record StoredLayers(String content, List<LayerRange> layers) implements WireMessage {
  public StoredLayers {
    layers = List.copyOf(layers);
  }
}
