/**
 * The reference model: every formula written out as its paper has it, on ND4J arrays in double
 * precision, on weights dequantized to that type. The oracle of the engine's tests, and a backend
 * for people who want to see what a model answers without any trick in between.
 *
 * <p>It shares no arithmetic with the engine: only the shape of the model ({@link
 * dev.sluice.model.arch.ModelSpec}), the file and its {@link dev.sluice.model.gguf.Dequantizer}.
 * ND4J is loaded by the first call of {@link dev.sluice.model.reference.ReferenceShards#load} and
 * not before, and none of its types appears in what the package shows.
 */
@NullMarked
package dev.sluice.model.reference;

import org.jspecify.annotations.NullMarked;
