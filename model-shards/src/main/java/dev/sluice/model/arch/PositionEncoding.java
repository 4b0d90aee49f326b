package dev.sluice.model.arch;

/** How a model knows where a token stands. */
public sealed interface PositionEncoding {
  /**
   * Rotary embedding of queries and keys (Su et al., 2021).
   *
   * <p>A tensor {@code rope_freqs.weight} (Llama 3's frequency factors), where the file has it,
   * divides each frequency.
   *
   * @param style which elements pair up
   * @param dimensions how many leading elements of each head turn; even
   * @param base base of the frequencies
   * @param scaling their scaling
   * @param slidingBase base in the layers with a sliding window; these are not scaled where it
   *     differs from layers without ({@code slidingScaled} false)
   * @param slidingScaled whether scaling applies to layers with a sliding window too
   */
  record Rope(
      RopeStyle style,
      int dimensions,
      double base,
      RopeScaling scaling,
      double slidingBase,
      boolean slidingScaled)
      implements PositionEncoding {}

  /** A learned vector per position, tensor {@code position_embd.weight}, added to the embedding. */
  record Learned() implements PositionEncoding {}

  /**
   * Fixed sine waves added to the embedding (Vaswani et al., 2017): element {@code 2i} of position
   * {@code p} gets {@code sin(p / 10000^(2i/n))}, element {@code 2i+1} the cosine.
   */
  record Sinusoidal() implements PositionEncoding {}
}
