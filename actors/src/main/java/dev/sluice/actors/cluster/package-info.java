/**
 * Membership of a process in a cluster, by Akka Cluster: who is there, who coordinates, joining,
 * leaving, and joining again. What the members do for each other is decided in {@code
 * dev.sluice.actors.coordination}.
 */
@NullMarked
package dev.sluice.actors.cluster;

import org.jspecify.annotations.NullMarked;
