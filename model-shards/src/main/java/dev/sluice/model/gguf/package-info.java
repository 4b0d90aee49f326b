/**
 * Model files in the GGUF format: reading (memory-mapped, lazily decoded), writing, and the plain
 * scalar meaning of every supported GGML weight type.
 *
 * <p>Source of the layout: the GGUF specification ({@code docs/gguf.md}) and the block definitions
 * ({@code ggml-common.h}) of the ggml project.
 */
@NullMarked
package dev.sluice.model.gguf;

import org.jspecify.annotations.NullMarked;
