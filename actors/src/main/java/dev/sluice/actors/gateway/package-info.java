/**
 * Generations as their consumers see them: every event once and in order, whatever happens to the
 * pipeline and its head.
 */
@NullMarked
package dev.sluice.actors.gateway;

import org.jspecify.annotations.NullMarked;
