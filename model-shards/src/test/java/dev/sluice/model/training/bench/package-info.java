/** Benchmarks of training. */
@NullMarked
package dev.sluice.model.training.bench;

import org.jspecify.annotations.NullMarked;
