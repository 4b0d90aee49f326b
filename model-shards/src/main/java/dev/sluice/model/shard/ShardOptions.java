package dev.sluice.model.shard;

import dev.sluice.model.cache.KvType;
import dev.sluice.model.lora.ScaledAdapter;
import java.util.List;
import java.util.Objects;

/**
 * What to load and how much room to set aside.
 *
 * @param range the layers to load
 * @param kvType how keys and values are stored
 * @param kvTokens budget of the KV cache: positions over all sequences together; rounded up to
 *     whole pages
 * @param maxSequences sequences at a time: slots are 0 until this number
 * @param maxRows rows of a micro-batch
 * @param maxLogitRows rows of logits of a micro-batch, used on the last shard
 * @param pageTokens positions a KV page has room for
 * @param contextTokens the longest sequence of the run; it must be the same on all shards of a
 *     pipeline, because it decides which of LongRoPE's factors apply
 * @param adapters added to the matrices of the layers, in this order
 */
public record ShardOptions(
    LayerRange range,
    KvType kvType,
    int kvTokens,
    int maxSequences,
    int maxRows,
    int maxLogitRows,
    int pageTokens,
    int contextTokens,
    List<ScaledAdapter> adapters) {
  /** Positions of a KV page unless another number is given. */
  public static final int DEFAULT_PAGE_TOKENS = 32;

  private static final int MAX_SEQUENCES = 1 << 16;
  private static final int MAX_ROWS = 1 << 16;
  private static final int MAX_PAGE_TOKENS = 1 << 12;

  public ShardOptions {
    Objects.requireNonNull(range, "range");
    Objects.requireNonNull(kvType, "kvType");
    within("kvTokens", kvTokens, 1, 1 << 30);
    within("maxSequences", maxSequences, 1, MAX_SEQUENCES);
    within("maxRows", maxRows, 1, MAX_ROWS);
    within("maxLogitRows", maxLogitRows, 1, MAX_ROWS);
    within("pageTokens", pageTokens, 1, MAX_PAGE_TOKENS);
    within("contextTokens", contextTokens, 1, 1 << 30);
    adapters = List.copyOf(adapters);
  }

  /** Options without adapters. */
  public ShardOptions(
      LayerRange range,
      KvType kvType,
      int kvTokens,
      int maxSequences,
      int maxRows,
      int maxLogitRows,
      int pageTokens,
      int contextTokens) {
    this(
        range,
        kvType,
        kvTokens,
        maxSequences,
        maxRows,
        maxLogitRows,
        pageTokens,
        contextTokens,
        List.of());
  }

  /**
   * Options with pages of {@link #DEFAULT_PAGE_TOKENS} positions, where one sequence may take the
   * whole budget.
   */
  public ShardOptions(
      LayerRange range,
      KvType kvType,
      int kvTokens,
      int maxSequences,
      int maxRows,
      int maxLogitRows) {
    this(
        range,
        kvType,
        kvTokens,
        maxSequences,
        maxRows,
        maxLogitRows,
        DEFAULT_PAGE_TOKENS,
        kvTokens);
  }

  /** The same options for other layers. */
  public ShardOptions withRange(LayerRange other) {
    return new ShardOptions(
        other,
        kvType,
        kvTokens,
        maxSequences,
        maxRows,
        maxLogitRows,
        pageTokens,
        contextTokens,
        adapters);
  }

  /** The same options with pages of another size. */
  public ShardOptions withPageTokens(int other) {
    return new ShardOptions(
        range,
        kvType,
        kvTokens,
        maxSequences,
        maxRows,
        maxLogitRows,
        other,
        contextTokens,
        adapters);
  }

  /** The same options with another longest sequence. */
  public ShardOptions withContextTokens(int other) {
    return new ShardOptions(
        range, kvType, kvTokens, maxSequences, maxRows, maxLogitRows, pageTokens, other, adapters);
  }

  /** The same options with other adapters. */
  public ShardOptions withAdapters(List<ScaledAdapter> other) {
    return new ShardOptions(
        range,
        kvType,
        kvTokens,
        maxSequences,
        maxRows,
        maxLogitRows,
        pageTokens,
        contextTokens,
        other);
  }

  private static void within(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(name + " out of " + min + ".." + max + ": " + value);
    }
  }
}
