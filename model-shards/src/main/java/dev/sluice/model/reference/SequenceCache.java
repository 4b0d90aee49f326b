package dev.sluice.model.reference;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Keys and values of one sequence: for each layer and head an array {@code [capacity x length]},
 * grown page by page.
 */
final class SequenceCache {
  private final Algebra algebra;
  private final INDArray[][] keys;
  private final INDArray[][] values;
  private final int keyLength;
  private final int valueLength;
  private int pages;
  private int length;

  SequenceCache(Algebra algebra, int layers, int heads, int keyLength, int valueLength) {
    this.algebra = algebra;
    this.keyLength = keyLength;
    this.valueLength = valueLength;
    keys = new INDArray[layers][heads];
    values = new INDArray[layers][heads];
  }

  /** Pages that the sequence holds. */
  int pages() {
    return pages;
  }

  /** Positions that are filled, or set aside for the next step. */
  int length() {
    return length;
  }

  /**
   * Sees to it that there is room for {@code length} positions in {@code pages} pages, more or
   * fewer than before.
   */
  void resize(int length, int pages, int pageTokens) {
    if (pages == 0) {
      free();
      return;
    }
    if (pages != this.pages) {
      long capacity = (long) pages * pageTokens;
      int kept = Math.min(length, this.length);
      for (int layer = 0; layer < keys.length; layer++) {
        for (int head = 0; head < keys[layer].length; head++) {
          keys[layer][head] = resized(keys[layer][head], kept, capacity, keyLength);
          values[layer][head] = resized(values[layer][head], kept, capacity, valueLength);
        }
      }
      this.pages = pages;
    }
    this.length = length;
  }

  private INDArray resized(INDArray old, int kept, long capacity, int width) {
    INDArray array = algebra.array(capacity, width);
    if (pages > 0) {
      rows(array, 0, kept).assign(rows(old, 0, kept));
      Scope.free(old);
    }
    return array;
  }

  /**
   * Stores keys or values of consecutive positions.
   *
   * @param rows {@code [n x heads * length]}
   */
  void put(boolean isKey, int layer, int start, INDArray rows) {
    INDArray[] heads = isKey ? keys[layer] : values[layer];
    int width = isKey ? keyLength : valueLength;
    for (int head = 0; head < heads.length; head++) {
      rows(heads[head], start, start + rows.size(0))
          .assign(
              rows.get(
                  NDArrayIndex.all(),
                  NDArrayIndex.interval((long) head * width, (long) (head + 1) * width)));
    }
  }

  /** Keys of one head, positions 0 until {@code end}: a view. */
  INDArray keys(int layer, int head, int end) {
    return rows(keys[layer][head], 0, end);
  }

  /** Values of one head, positions 0 until {@code end}: a view. */
  INDArray values(int layer, int head, int end) {
    return rows(values[layer][head], 0, end);
  }

  private static INDArray rows(INDArray array, long first, long end) {
    return array.get(NDArrayIndex.interval(first, end), NDArrayIndex.all());
  }

  /** Frees everything. */
  void free() {
    if (pages > 0) {
      for (int layer = 0; layer < keys.length; layer++) {
        for (int head = 0; head < keys[layer].length; head++) {
          Scope.free(keys[layer][head]);
          Scope.free(values[layer][head]);
        }
      }
    }
    pages = 0;
    length = 0;
  }
}
