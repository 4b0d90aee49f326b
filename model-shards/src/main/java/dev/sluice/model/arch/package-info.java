/**
 * What a model is: its shape as the file's metadata states it ({@link
 * dev.sluice.model.arch.ModelSpec}), what it weighs ({@link dev.sluice.model.arch.ModelFootprint}),
 * and the layers that its architecture composes.
 *
 * <p>An architecture is one line of traits in {@link dev.sluice.model.arch.Architecture}; shared
 * parts (norm, position, attention, feed-forward) do the work. Whatever differs from file to file
 * is read from metadata, or from the presence of an optional tensor.
 */
@NullMarked
package dev.sluice.model.arch;

import org.jspecify.annotations.NullMarked;
