package dev.sluice.actors.placement;

/**
 * A node that holds no layers for now.
 *
 * @param node its name
 * @param reason why it is left out, a sentence
 */
public record Spare(String node, String reason) {}
