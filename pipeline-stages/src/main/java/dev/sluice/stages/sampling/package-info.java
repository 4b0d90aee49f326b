/**
 * From a row of logits to a token: penalties, truncation, temperature and the draw, each a pure
 * function of the row, the parameters and the sequence's token log.
 */
@NullMarked
package dev.sluice.stages.sampling;

import org.jspecify.annotations.NullMarked;
