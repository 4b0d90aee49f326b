/**
 * Training of small transformers: next-token cross-entropy over packed documents, the backward pass
 * by hand, AdamW.
 *
 * <p>The bits of a run depend on data, options and seed alone: not on the number of threads, the
 * vector width, or whether it was stopped and resumed. Every product and sum has a fixed order
 * ({@link dev.sluice.model.kernel}), and every draw is a function of seed and position.
 *
 * <p>A {@link dev.sluice.model.training.Trainer} belongs to one thread; it shares its work out to
 * threads of its own.
 */
@NullMarked
package dev.sluice.model.training;

import org.jspecify.annotations.NullMarked;
