/** The small model that this project has trained and carries with it. */
@NullMarked
package dev.sluice.model.mill;

import org.jspecify.annotations.NullMarked;
