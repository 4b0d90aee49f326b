package dev.sluice.actors.weights;

import dev.sluice.actors.WireMessage;

/**
 * How far a fetch is.
 *
 * @param done bytes that are there and checked
 * @param total bytes that it takes; grows while headers are being read
 * @param sources nodes that give some
 */
public record FetchProgress(long done, long total, int sources) implements WireMessage {}
