/**
 * The model that is served: how requests get to it one beside the other, and how their tokens come
 * back, no faster than they are read.
 */
@NullMarked
package dev.sluice.ops.serve.model;

import org.jspecify.annotations.NullMarked;
