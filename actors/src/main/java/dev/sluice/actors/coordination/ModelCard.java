package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;

/**
 * A model that a node has the file of.
 *
 * @param content id of the file's content: equal ids, equal files
 * @param name what people call it
 */
public record ModelCard(String content, String name) implements WireMessage {}
