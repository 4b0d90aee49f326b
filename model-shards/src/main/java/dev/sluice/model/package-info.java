/** Model files, kernels, layers, KV cache and shards of a transformer. */
@NullMarked
package dev.sluice.model;

import org.jspecify.annotations.NullMarked;
