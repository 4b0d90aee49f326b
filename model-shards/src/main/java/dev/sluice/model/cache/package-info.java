/**
 * The paged cache of keys and values, outside the heap, with a fixed budget.
 *
 * <p>One {@link dev.sluice.model.cache.KvCache} belongs to one shard and is used by that shard's
 * thread alone.
 */
@NullMarked
package dev.sluice.model.cache;

import org.jspecify.annotations.NullMarked;
