package dev.sluice.actors.cluster;

import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.gguf.GgufFile;

/**
 * A model whose file this process has.
 *
 * @param card its content id and name
 * @param file open; who opened it closes it, after the member
 * @param footprint what its parts weigh
 */
public record LocalModel(ModelCard card, GgufFile file, ModelFootprint footprint) {}
