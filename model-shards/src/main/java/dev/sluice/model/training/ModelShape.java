package dev.sluice.model.training;

/**
 * The shape of a model of the {@code llama} family: RMSNorm before attention and feed-forward,
 * grouped-query attention, no biases.
 *
 * @param vocabulary tokens
 * @param width length of a row of activations
 * @param layers number of layers
 * @param heads query heads; {@code width / heads} is the length of a head, even
 * @param kvHeads key and value heads, a divisor of {@code heads}
 * @param feedForward length of the feed-forward's hidden row
 * @param context the longest sequence
 * @param positions how positions enter
 * @param activation the feed-forward's form
 * @param ropeBase base of the rotary frequencies
 * @param normEpsilon what norms add under the root
 * @param tied whether the output head is the embedding matrix
 */
public record ModelShape(
    int vocabulary,
    int width,
    int layers,
    int heads,
    int kvHeads,
    int feedForward,
    int context,
    PositionEncoding positions,
    FeedForward activation,
    float ropeBase,
    float normEpsilon,
    boolean tied) {
  private static final long MOST = 1L << 31;

  /**
   * Checks the shape.
   *
   * @throws IllegalArgumentException naming the value that makes no sense
   */
  public ModelShape {
    positive("the vocabulary", vocabulary);
    positive("the width", width);
    positive("the number of layers", layers);
    positive("the number of heads", heads);
    positive("the number of key and value heads", kvHeads);
    positive("the feed-forward length", feedForward);
    positive("the context", context);
    require(width % heads == 0, "a width of " + width + " cannot be cut into " + heads + " heads");
    require(width / heads % 2 == 0, "the length of a head must be even: " + width / heads);
    require(heads % kvHeads == 0, heads + " heads cannot share " + kvHeads + " of keys and values");
    require(ropeBase > 1, "the base of the rotary frequencies must be over 1: " + ropeBase);
    require(
        normEpsilon > 0 && normEpsilon < 1, "the norm's epsilon makes no sense: " + normEpsilon);
    require(
        (double) layers * (4.0 * width * width + 3.0 * width * feedForward)
                + 2.0 * vocabulary * width
            < MOST,
        "a model of more than 2^31 parameters is not trained here");
  }

  /** Elements of a head. */
  public int headLength() {
    return width / heads;
  }

  /** Elements of all key heads of a row. */
  public int keysLength() {
    return kvHeads * headLength();
  }

  /** How many numbers are learnt. */
  public long parameters() {
    long attention = 2L * width * width + 2L * width * keysLength();
    long hidden = (activation == FeedForward.SWIGLU ? 3L : 2L) * width * feedForward;
    return layers * (attention + hidden + 2L * width)
        + (tied ? 1L : 2L) * vocabulary * width
        + width;
  }

  private static void positive(String what, int value) {
    require(value > 0 && value <= 1 << 24, what + " makes no sense: " + value);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
