/**
 * Which layers run on which stage: a pure function of the model's costs and the nodes' memories.
 */
@NullMarked
package dev.sluice.actors.placement;

import org.jspecify.annotations.NullMarked;
