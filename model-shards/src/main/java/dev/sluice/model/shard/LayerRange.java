package dev.sluice.model.shard;

/**
 * A half-open range of layers, {@code first} included, {@code end} not.
 *
 * @param first index of the first layer, not negative
 * @param end index after the last layer, not less than {@code first}
 */
public record LayerRange(int first, int end) {
  public LayerRange {
    if (first < 0 || end < first) {
      throw new IllegalArgumentException("no layer range: " + first + ".." + end);
    }
  }

  /** All layers of a model. */
  public static LayerRange all(int layers) {
    return new LayerRange(0, layers);
  }

  /** The number of layers. */
  public int size() {
    return end - first;
  }

  /** Whether {@code layer} lies in the range. */
  public boolean contains(int layer) {
    return layer >= first && layer < end;
  }

  /** {@code first..end}, half-open. */
  @Override
  public String toString() {
    return first + ".." + end;
  }
}
