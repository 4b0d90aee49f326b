package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import dev.sluice.actors.placement.NodeOffer;
import org.jspecify.annotations.Nullable;

/**
 * What a node has to give.
 *
 * @param data where it receives frames
 * @param offer memory, cores and speeds, under its name
 * @param version of the program
 * @param model the model whose file it was given; null for none: then it takes any model's layers
 * @param stored what it has fetched of the cluster's model; null for nothing
 */
public record NodeResources(
    DataAddress data,
    NodeOffer offer,
    String version,
    @Nullable ModelCard model,
    @Nullable StoredLayers stored)
    implements WireMessage {}
