/**
 * Which tokens go through the pipeline next: a plain single-threaded state machine, told what
 * happened, that says what to send and what to deliver.
 */
@NullMarked
package dev.sluice.actors.scheduling;

import org.jspecify.annotations.NullMarked;
