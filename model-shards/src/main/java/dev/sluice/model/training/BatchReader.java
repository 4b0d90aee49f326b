package dev.sluice.model.training;

/**
 * Packs documents into batches, in an order that is drawn anew for each epoch. Where it stands is
 * three numbers; the order is a function of the seed and the epoch.
 *
 * <p>A document that fits into a batch is never cut by the end of one; the batch is left a little
 * short instead. A longer one than a sequence may be is cut into sequences.
 */
final class BatchReader {
  private final TokenDataset data;
  private final int sequenceLength;
  private final long seed;
  private final boolean shuffled;
  private int[] order = new int[0];
  private long ordered = -1;
  private long epoch;
  private int document;
  private int offset;

  /** Reads for ever, in drawn orders. */
  static BatchReader shuffled(TokenDataset data, int sequenceLength, long seed) {
    return new BatchReader(data, sequenceLength, seed, true);
  }

  /** Reads once, in the order of the set. */
  static BatchReader once(TokenDataset data, int sequenceLength) {
    return new BatchReader(data, sequenceLength, 0, false);
  }

  private BatchReader(TokenDataset data, int sequenceLength, long seed, boolean shuffled) {
    this.data = data;
    this.sequenceLength = sequenceLength;
    this.seed = seed;
    this.shuffled = shuffled;
  }

  /** Goes to where another reader of the same data and seed stood. */
  void seek(long toEpoch, int toDocument, int toOffset) {
    epoch = toEpoch;
    document = toDocument;
    offset = toOffset;
    boolean there = epoch >= 0 && document >= 0 && document < data.documents() && offset >= 0;
    if (!there || offset >= data.length(at(document)) - 1) {
      throw new IllegalArgumentException(
          "no such place in the data: " + toEpoch + ", " + toDocument + ", " + toOffset);
    }
  }

  long epoch() {
    return epoch;
  }

  /** Documents of this epoch that are done. */
  int document() {
    return document;
  }

  /** Predictions of the next document that are done. */
  int offset() {
    return offset;
  }

  /** Fills a batch; it stays empty at the end of data that is read once. */
  void next(Batch batch) {
    batch.clear();
    while (shuffled || epoch == 0) {
      int index = at(document);
      int left = data.length(index) - 1 - offset;
      int length = Math.min(left, sequenceLength);
      if (length > batch.room()) {
        return;
      }
      batch.add(data, data.start(index) + offset, length);
      offset += length;
      if (length == left) {
        offset = 0;
        if (++document == data.documents()) {
          document = 0;
          epoch++;
        }
      }
    }
  }

  private int at(int index) {
    if (!shuffled) {
      return index;
    }
    if (ordered != epoch) {
      order = permutation();
      ordered = epoch;
    }
    return order[index];
  }

  private int[] permutation() {
    int[] drawn = new int[data.documents()];
    long stream = Mix.hash(seed, epoch);
    for (int i = 0; i < drawn.length; i++) {
      int j = Mix.below(Mix.hash(stream, i), i + 1);
      drawn[i] = drawn[j];
      drawn[j] = i;
    }
    return drawn;
  }
}
