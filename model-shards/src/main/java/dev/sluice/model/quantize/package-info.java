/** Turns a model file into another one whose weights have another type. */
@NullMarked
package dev.sluice.model.quantize;

import org.jspecify.annotations.NullMarked;
