package dev.sluice.stages.sampling;

/** Keeps the k most likely tokens. */
final class TopK {
  private TopK() {}

  /**
   * Fills {@code out} with the k largest logits that are not negative infinity, sorted, equal ones
   * by lower id. One pass over the row with a heap of k: the row itself is neither sorted nor
   * changed.
   *
   * @param k from 1 to the capacity of {@code out}
   */
  static void select(float[] row, int vocabularySize, int k, Candidates out) {
    out.clear();
    int id = 0;
    for (; id < vocabularySize && out.size() < k; id++) {
      if (row[id] != Float.NEGATIVE_INFINITY) {
        out.add(id, row[id]);
        siftUp(out, out.size() - 1);
      }
    }
    if (out.size() == 0) {
      return;
    }
    // Ids ascend, so a logit equal to the least one kept is of a higher id and loses.
    float least = out.logit(0);
    for (; id < vocabularySize; id++) {
      if (row[id] > least) {
        out.ids[0] = id;
        out.logits[0] = row[id];
        siftDown(out, 0, out.size());
        least = out.logit(0);
      }
    }
    for (int end = out.size() - 1; end > 0; end--) {
      out.swap(0, end);
      siftDown(out, 0, end);
    }
    out.sorted(true);
  }

  // The heap's root is the candidate that would be dropped first.

  private static void siftUp(Candidates heap, int from) {
    int i = from;
    while (i > 0) {
      int parent = (i - 1) >>> 1;
      if (!heap.before(parent, i)) {
        return;
      }
      heap.swap(parent, i);
      i = parent;
    }
  }

  private static void siftDown(Candidates heap, int from, int end) {
    int i = from;
    while (true) {
      int child = 2 * i + 1;
      if (child >= end) {
        return;
      }
      if (child + 1 < end && heap.before(child, child + 1)) {
        child++;
      }
      if (!heap.before(i, child)) {
        return;
      }
      heap.swap(i, child);
      i = child;
    }
  }
}
