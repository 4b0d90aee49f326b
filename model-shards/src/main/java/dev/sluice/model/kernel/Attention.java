package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Scaled dot-product attention of one query row over paged keys and values (Vaswani et al., 2017;
 * grouped queries: Ainslie et al., 2023; pages: Kwon et al., 2023).
 *
 * <p>Query head {@code h} reads key and value head {@code h / (heads / kvHeads)}. The score of a
 * position is {@code dot(q, k) * scale}, where asked for soft-capped to {@code cap * tanh(score /
 * cap)}; the softmax sums in 16 virtual lanes by the position's distance from {@code from}; the
 * values are added by fused multiply-add in order of position. Neither the page size nor who
 * computes which heads changes a bit.
 *
 * <p>Immutable; for any number of threads at once.
 */
public final class Attention {
  /** Positions that are worked on together, a multiple of a tile's rows. */
  private static final int RUN = 16;

  private final KvLayout layout;
  private final int heads;
  private final int group;
  private final float scale;
  private final float softCap;
  private final long keyBytes;
  private final long valueBytes;

  /**
   * An attention of a certain shape.
   *
   * @param layout how pages hold keys and values
   * @param heads query heads, a multiple of {@code layout.kvHeads()}
   * @param scale what scores are multiplied by
   * @param softCap cap of the scores; 0 for none
   */
  public Attention(KvLayout layout, int heads, float scale, float softCap) {
    if (heads < 1 || heads % layout.kvHeads() != 0) {
      throw new IllegalArgumentException(
          heads + " query heads are no multiple of " + layout.kvHeads() + " key heads");
    }
    if (!(softCap >= 0) || !Float.isFinite(scale)) {
      throw new IllegalArgumentException("scale " + scale + ", soft cap " + softCap);
    }
    this.layout = layout;
    this.heads = heads;
    this.group = heads / layout.kvHeads();
    this.scale = scale;
    this.softCap = softCap;
    this.keyBytes = (long) layout.keyLength() * Float.BYTES;
    this.valueBytes = (long) layout.valueLength() * Float.BYTES;
  }

  /**
   * Attends with the query heads of one key head, over the positions {@code from} to {@code to}.
   *
   * @param pages where keys and values are
   * @param slot the sequence, as {@code pages} knows it
   * @param layer the layer, as {@code pages} knows it
   * @param kvHead which key head; the query heads {@code kvHead * group} to {@code (kvHead + 1) *
   *     group - 1} are computed
   * @param from first position, inclusive
   * @param to last position, inclusive
   * @param query the row's queries {@code [heads][keyLength]}, all heads
   * @param out the row's results {@code [heads][valueLength]}; only those of the group are written
   */
  public void attend(
      KvPages pages,
      int slot,
      int layer,
      int kvHead,
      int from,
      int to,
      MemorySegment query,
      long queryOffset,
      MemorySegment out,
      long outOffset) {
    if (from < 0 || to < from || kvHead < 0 || kvHead >= layout.kvHeads()) {
      throw new IndexOutOfBoundsException(
          "positions " + from + " to " + to + ", key head " + kvHead);
    }
    long q =
        NativeMemory.floats(query, queryOffset, (long) heads * layout.keyLength())
            + (long) kvHead * group * keyBytes;
    long o =
        NativeMemory.floats(out, outOffset, (long) heads * layout.valueLength())
            + (long) kvHead * group * valueBytes;
    int n = to - from + 1;
    Scratch scratch = Scratch.current();
    long scores = scratch.scores((long) group * n);
    long rows = scratch.rows((long) RUN * Math.max(layout.keyLength(), layout.valueLength()));
    long sums = scratch.sums((long) group * Tiles.SUMS);

    long keysAt = (long) kvHead * layout.keyLength() * layout.elementBytes();
    for (int i = 0; i < n; ) {
      int token = (from + i) % layout.pageTokens();
      int count = Math.min(Math.min(RUN, layout.pageTokens() - token), n - i);
      long page = page(pages, slot, layer, from + i);
      long keys = page + token * layout.keyRowBytes() + keysAt;
      score(keys, count, q, rows, sums, scores + ((long) i << 2), n);
      i += count;
    }
    weigh(scores, n);
    NativeMemory.zero(o, (long) group * layout.valueLength());
    long valuesAt =
        layout.valuesOffset() + (long) kvHead * layout.valueLength() * layout.elementBytes();
    for (int i = 0; i < n; ) {
      int token = (from + i) % layout.pageTokens();
      int count = Math.min(Math.min(RUN, layout.pageTokens() - token), n - i);
      long page = page(pages, slot, layer, from + i);
      long values = page + token * layout.valueRowBytes() + valuesAt;
      sum(values, count, rows, scores + ((long) i << 2), n, o);
      i += count;
    }
  }

  private long page(KvPages pages, int slot, int layer, int position) {
    MemorySegment page = pages.page(slot, layer, position / layout.pageTokens());
    return NativeMemory.bytes(page, 0, layout.pageBytes());
  }

  /** Scores of some neighbouring positions of one page, for each query head of the group. */
  private void score(
      long keys, int count, long queries, long rows, long sums, long scores, int stride) {
    int n = layout.keyLength();
    for (int i = 0; i < count; i += Tiles.ROWS) {
      int height = Math.min(Tiles.ROWS, count - i);
      long source = keys + i * layout.keyRowBytes();
      long sourceStride = layout.keyRowBytes();
      if (layout.half() || height < Tiles.ROWS) {
        load(source, sourceStride, height, n, rows);
        source = rows;
        sourceStride = keyBytes;
      }
      NativeMemory.zero(sums, (long) group * Tiles.SUMS);
      Tiles.multiply(source, sourceStride, queries, keyBytes, group, n, sums);
      for (int head = 0; head < group; head++) {
        long target = scores + (((long) head * stride + i) << 2);
        long sum = sums + (long) head * Tiles.SUMS * Float.BYTES;
        for (int row = 0; row < height; row++) {
          float score = Lanes.tree(sum + (long) row * Lanes.VIRTUAL_BYTES);
          NativeMemory.setFloat(target + ((long) row << 2), score);
        }
      }
    }
  }

  /** From scores to weights. */
  private void weigh(long scores, int n) {
    for (int head = 0; head < group; head++) {
      long row = scores + (((long) head * n) << 2);
      Elementwise.scale(row, n, scale);
      if (softCap > 0) {
        Elementwise.softCap(row, n, softCap);
      }
      Softmax.softmax(row, n);
    }
  }

  /** Adds the weighted values of some neighbouring positions of one page. */
  private void sum(long values, int count, long rows, long weights, int stride, long out) {
    int n = layout.valueLength();
    long source = values;
    long sourceStride = layout.valueRowBytes();
    if (layout.half()) {
      load(values, sourceStride, count, n, rows);
      source = rows;
      sourceStride = valueBytes;
    }
    for (int head = 0; head < group; head++) {
      long row = weights + (((long) head * stride) << 2);
      WeightedSum.add(source, sourceStride, row, count, out + head * valueBytes, n);
    }
  }

  private void load(long source, long sourceStride, int count, int n, long target) {
    for (int i = 0; i < count; i++) {
      long to = target + (((long) i * n) << 2);
      if (layout.half()) {
        HalfFloats.widen(source + i * sourceStride, to, n);
      } else {
        HalfFloats.store(source + i * sourceStride, to, n, false);
      }
    }
  }
}
