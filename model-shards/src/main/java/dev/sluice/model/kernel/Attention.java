package dev.sluice.model.kernel;

import static dev.sluice.model.kernel.NativeMemory.getFloat;
import static dev.sluice.model.kernel.NativeMemory.setFloat;

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
  private final KvLayout layout;
  private final int heads;
  private final int group;
  private final float scale;
  private final float softCap;

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
    int keyLength = layout.keyLength();
    int valueLength = layout.valueLength();
    long q = NativeMemory.floats(query, queryOffset, (long) heads * keyLength);
    long o = NativeMemory.floats(out, outOffset, (long) heads * valueLength);
    int n = to - from + 1;
    Scratch scratch = Scratch.current();
    long scores = scratch.scores(n);
    long row = scratch.rows(Math.max(keyLength, valueLength));
    for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
      for (int i = 0; i < n; i++) {
        int position = from + i;
        MemorySegment page = pages.page(slot, layer, position / layout.pageTokens());
        long at =
            NativeMemory.bytes(page, 0, layout.pageBytes())
                + position % layout.pageTokens() * layout.keyRowBytes()
                + (long) kvHead * keyLength * layout.elementBytes();
        load(at, row, keyLength);
        setFloat(
            scores + ((long) i << 2),
            Dot.dot(q + (((long) head * keyLength) << 2), row, keyLength));
      }
      Elementwise.scale(scores, n, scale);
      if (softCap > 0) {
        Elementwise.softCap(scores, n, softCap);
      }
      Softmax.softmax(scores, n);
      long target = o + (((long) head * valueLength) << 2);
      for (int d = 0; d < valueLength; d++) {
        setFloat(target + ((long) d << 2), 0);
      }
      for (int i = 0; i < n; i++) {
        int position = from + i;
        MemorySegment page = pages.page(slot, layer, position / layout.pageTokens());
        long at =
            page.address()
                + layout.valuesOffset()
                + position % layout.pageTokens() * layout.valueRowBytes()
                + (long) kvHead * valueLength * layout.elementBytes();
        load(at, row, valueLength);
        float p = getFloat(scores + ((long) i << 2));
        for (int d = 0; d < valueLength; d++) {
          long cell = target + ((long) d << 2);
          setFloat(cell, Math.fma(p, getFloat(row + ((long) d << 2)), getFloat(cell)));
        }
      }
    }
  }

  private void load(long from, long to, int n) {
    if (layout.half()) {
      HalfFloats.widen(from, to, n);
    } else {
      HalfFloats.store(from, to, n, false);
    }
  }
}
