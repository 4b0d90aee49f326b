/** Benchmarks of the kernels; each class says how it is run. */
@NullMarked
package dev.sluice.model.kernel.bench;

import org.jspecify.annotations.NullMarked;
