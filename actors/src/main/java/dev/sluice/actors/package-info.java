/** Akka Typed actors: placement, shard lifecycle, scheduling, sessions. */
@NullMarked
package dev.sluice.actors;

import org.jspecify.annotations.NullMarked;
