package dev.sluice.model.cache;

/**
 * What a cache holds at one moment. Pages are counted over all layers of the shard: a page stands
 * for {@code pageTokens} positions of one sequence in every layer of the range.
 *
 * @param usedPages pages that sequences hold
 * @param totalPages the budget
 * @param pageTokens positions a page has room for
 * @param usedBytes bytes of the pages in use, keys and values of all layers
 * @param totalBytes bytes of the whole budget
 */
public record KvUsage(
    int usedPages, int totalPages, int pageTokens, long usedBytes, long totalBytes) {}
