package dev.sluice.stages.sampling;

/**
 * Tokens that may still be drawn, and their logits: what the truncating samplers shrink. Scratch
 * memory of one thread, filled anew for each token. Either {@linkplain #sorted sorted} (largest
 * logit first, equal ones by lower id) or in order of id.
 */
final class Candidates {
  final int[] ids;
  final float[] logits;
  private int size;
  private boolean sorted;

  Candidates(int capacity) {
    ids = new int[capacity];
    logits = new float[capacity];
  }

  int size() {
    return size;
  }

  boolean sorted() {
    return sorted;
  }

  int id(int i) {
    return ids[i];
  }

  float logit(int i) {
    return logits[i];
  }

  void clear() {
    size = 0;
    sorted = true;
  }

  void add(int id, float logit) {
    ids[size] = id;
    logits[size++] = logit;
  }

  /** Keeps the first ones. */
  void truncate(int newSize) {
    size = newSize;
  }

  void sorted(boolean value) {
    sorted = value;
  }

  /** All tokens that are not banned, in order of id. */
  void fill(float[] row, int vocabularySize) {
    clear();
    sorted = false;
    for (int id = 0; id < vocabularySize; id++) {
      if (row[id] != Float.NEGATIVE_INFINITY) {
        add(id, row[id]);
      }
    }
  }

  /** The largest logit; there is at least one candidate. */
  float max() {
    float max = logits[0];
    if (!sorted) {
      for (int i = 1; i < size; i++) {
        max = Math.max(max, logits[i]);
      }
    }
    return max;
  }

  /** Whether entry a comes before entry b: larger logit, or the same and lower id. */
  boolean before(int a, int b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && ids[a] < ids[b]);
  }

  void swap(int a, int b) {
    int id = ids[a];
    ids[a] = ids[b];
    ids[b] = id;
    float logit = logits[a];
    logits[a] = logits[b];
    logits[b] = logit;
  }
}
