/** What {@code sluice eval} asks a model, and how it counts. */
@NullMarked
package dev.sluice.ops.eval;

import org.jspecify.annotations.NullMarked;
