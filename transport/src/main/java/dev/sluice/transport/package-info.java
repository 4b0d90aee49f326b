/** Aeron links: frames of activations and of sampled tokens between the stages of a pipeline. */
@NullMarked
package dev.sluice.transport;

import org.jspecify.annotations.NullMarked;
