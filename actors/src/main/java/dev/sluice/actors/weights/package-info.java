/**
 * How weights come to nodes that have not the file: one node's server reads chunks from files and
 * stores, another's fetch asks several servers for what its layers need, checks every chunk, and
 * keeps it in its store.
 */
@NullMarked
package dev.sluice.actors.weights;

import org.jspecify.annotations.NullMarked;
