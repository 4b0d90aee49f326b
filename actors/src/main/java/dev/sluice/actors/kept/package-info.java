/**
 * What stages keep when another is lost: which KV caches can be gone on with, and the log of
 * activations from which a lost one is made again.
 */
@NullMarked
package dev.sluice.actors.kept;

import org.jspecify.annotations.NullMarked;
