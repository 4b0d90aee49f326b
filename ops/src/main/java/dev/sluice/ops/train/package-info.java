/** The verbs of {@code sluice train}, and the files of text that they share. */
@NullMarked
package dev.sluice.ops.train;

import org.jspecify.annotations.NullMarked;
