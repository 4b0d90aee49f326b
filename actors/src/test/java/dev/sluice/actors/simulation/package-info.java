/**
 * Whole clusters in one thread: the plain state machines of the program over a network and a clock
 * that are simulated. Everything is drawn from one seed, so that a history can be run again.
 */
@NullMarked
package dev.sluice.actors.simulation;

import org.jspecify.annotations.NullMarked;
