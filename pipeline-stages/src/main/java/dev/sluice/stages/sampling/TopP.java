package dev.sluice.stages.sampling;

/**
 * Keeps the smallest set of the most likely tokens whose probability reaches p (nucleus sampling:
 * Holtzman et al., The Curious Case of Neural Text Degeneration, 2020). Probabilities are those
 * among the candidates.
 */
final class TopP {
  private TopP() {}

  /**
   * Leaves the candidates sorted. Unsorted ones are put into a heap and taken from it until p is
   * reached, so a whole vocabulary is not sorted for the few tokens that are kept.
   *
   * @param p from 0 to 1; 1 keeps all, and the most likely one always stays
   */
  static void apply(Candidates candidates, float p) {
    int size = candidates.size();
    if (p >= 1 || size == 0) {
      return;
    }
    float max = candidates.max();
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += StrictMath.exp((double) candidates.logit(i) - max);
    }
    double enough = p * total;
    if (candidates.sorted()) {
      double sum = 0;
      for (int i = 0; i < size; i++) {
        sum += StrictMath.exp((double) candidates.logit(i) - max);
        if (sum >= enough) {
          candidates.truncate(i + 1);
          return;
        }
      }
    } else {
      takeFromHeap(candidates, max, enough);
    }
  }

  private static void takeFromHeap(Candidates heap, float max, double enough) {
    int size = heap.size();
    for (int i = (size >>> 1) - 1; i >= 0; i--) {
      siftDown(heap, i, size);
    }
    double sum = 0;
    int rest = size;
    do {
      heap.swap(0, --rest);
      siftDown(heap, 0, rest);
      sum += StrictMath.exp((double) heap.logit(rest) - max);
    } while (sum < enough && rest > 0);
    // What was taken stands at the end, smallest first.
    int kept = size - rest;
    for (int low = rest, high = size - 1; low < high; low++, high--) {
      heap.swap(low, high);
    }
    System.arraycopy(heap.ids, rest, heap.ids, 0, kept);
    System.arraycopy(heap.logits, rest, heap.logits, 0, kept);
    heap.truncate(kept);
    heap.sorted(true);
  }

  // The heap's root is the most likely candidate.
  private static void siftDown(Candidates heap, int from, int end) {
    int i = from;
    while (true) {
      int child = 2 * i + 1;
      if (child >= end) {
        return;
      }
      if (child + 1 < end && heap.before(child + 1, child)) {
        child++;
      }
      if (!heap.before(child, i)) {
        return;
      }
      heap.swap(i, child);
      i = child;
    }
  }
}
