package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.ShardOptions;
import org.jspecify.annotations.Nullable;

/** The sequences' caches, under one budget of pages. */
final class ReferenceCache {
  private final Algebra algebra;
  private final ModelSpec spec;
  private final int layers;
  private final int pageTokens;
  private final int totalPages;
  private final int contextTokens;
  private final long pageBytes;
  private final @Nullable SequenceCache[] sequences;
  private volatile int usedPages;

  ReferenceCache(Algebra algebra, ModelSpec spec, ShardOptions options, Precision precision) {
    this.algebra = algebra;
    this.spec = spec;
    layers = options.range().size();
    pageTokens = options.pageTokens();
    totalPages = pagesFor(options.kvTokens());
    contextTokens = Math.min(spec.contextLength(), options.contextTokens());
    pageBytes =
        (long) layers * pageTokens * (spec.keysLength() + spec.valuesLength()) * precision.bytes();
    sequences = new SequenceCache[options.maxSequences()];
  }

  /**
   * Makes room for the next {@code tokens} positions of a sequence; all or nothing.
   *
   * @return false when there is none left
   * @throws IllegalStateException when the sequence does not stand at {@code start}
   */
  boolean reserve(int slot, int start, int tokens) {
    SequenceCache sequence = sequences[slot];
    int length = sequence == null ? 0 : sequence.length();
    if (start != length) {
      throw new IllegalStateException(
          "slot " + slot + " stands at position " + length + ", the entry starts at " + start);
    }
    int end = start + tokens;
    int pages = pagesFor(end);
    int held = sequence == null ? 0 : sequence.pages();
    if (tokens > contextTokens - start || pages - held > totalPages - usedPages) {
      return false;
    }
    if (sequence == null) {
      sequence =
          new SequenceCache(algebra, layers, spec.kvHeads(), spec.keyLength(), spec.valueLength());
      sequences[slot] = sequence;
    }
    sequence.resize(end, pages, pageTokens);
    setUsedPages(usedPages + pages - held);
    return true;
  }

  private int pagesFor(int tokens) {
    return (int) (((long) tokens + pageTokens - 1) / pageTokens);
  }

  // One thread writes; others read the figure.
  private void setUsedPages(int pages) {
    usedPages = pages;
  }

  /** The cache of a slot for which room was reserved up to {@code end}. */
  SequenceCache sequence(int slot, int end) {
    SequenceCache sequence = sequences[slot];
    if (sequence == null || sequence.length() < end) {
      throw new IllegalStateException("slot " + slot + " was not reserved up to " + end);
    }
    return sequence;
  }

  /** Positions of a slot's sequence. */
  int length(int slot) {
    SequenceCache sequence = sequences[slot];
    return sequence == null ? 0 : sequence.length();
  }

  /** Forgets positions from {@code length} on; the sequence has at least so many. */
  void truncate(int slot, int length) {
    SequenceCache sequence = sequences[slot];
    if (sequence != null) {
      int held = sequence.pages();
      sequence.resize(length, pagesFor(length), pageTokens);
      setUsedPages(usedPages + sequence.pages() - held);
    }
  }

  void release(int slot) {
    SequenceCache sequence = sequences[slot];
    if (sequence != null) {
      setUsedPages(usedPages - sequence.pages());
      sequence.free();
      sequences[slot] = null;
    }
  }

  void close() {
    for (int slot = 0; slot < sequences.length; slot++) {
      release(slot);
    }
  }

  KvUsage usage() {
    int used = usedPages;
    return new KvUsage(used, totalPages, pageTokens, used * pageBytes, totalPages * pageBytes);
  }
}
