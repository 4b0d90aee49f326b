/**
 * A shard: a contiguous range of a model's layers, run on micro-batches of rows from many sequences
 * at once.
 */
@NullMarked
package dev.sluice.model.shard;

import org.jspecify.annotations.NullMarked;
