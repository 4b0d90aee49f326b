/** The verbs of {@code sluice train}. */
@NullMarked
package dev.sluice.ops.train;

import org.jspecify.annotations.NullMarked;
