/** Verbs of the local store of models: pull, list, rm. */
@NullMarked
package dev.sluice.ops.store;

import org.jspecify.annotations.NullMarked;
