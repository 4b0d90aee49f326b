/**
 * Which layers run on which stage and node: pure functions of the model's costs, the nodes'
 * memories and speeds, and the links between them. {@link
 * dev.sluice.actors.placement.ClusterPlanner} plans for nodes, {@link
 * dev.sluice.actors.placement.ShardPlan} for the stages of one process.
 */
@NullMarked
package dev.sluice.actors.placement;

import org.jspecify.annotations.NullMarked;
