package dev.sluice.ops.serve.model;

import dev.sluice.stages.flow.TextEvent;

/**
 * An event of one of the answers of a request.
 *
 * @param choice which of them, from 0
 */
public record ChoiceEvent(int choice, TextEvent event) {}
