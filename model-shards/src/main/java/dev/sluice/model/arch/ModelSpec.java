package dev.sluice.model.arch;

import dev.sluice.model.gguf.GgufFile;

/**
 * The shape of a model, as its file's metadata states it. Nothing in it is a guess: a missing
 * required key or an absurd value is refused where the record is read.
 *
 * @param architecture which composition of parts
 * @param name {@code general.name}, or the architecture's where the file has none
 * @param vocabularyOnly whether the file holds no tensor at all: then only {@code architecture},
 *     {@code name} and {@code vocabularySize} mean something, and numbers that are missing are 0
 * @param layers number of layers
 * @param embeddingLength length of a row of activations
 * @param vocabularySize number of tokens, and of logits
 * @param contextLength the longest sequence the model was made for
 * @param heads query heads
 * @param kvHeads key and value heads; {@code heads} is a multiple of it
 * @param keyLength elements of a query or key head
 * @param valueLength elements of a value head
 * @param feedForwardLength length of the feed-forward's hidden row
 * @param normEpsilon what norms add under the root
 * @param position how positions enter
 * @param attentionScale what scores are multiplied by
 * @param attentionSoftCap cap of {@code cap * tanh(score / cap)} on scaled scores; 0 for none
 * @param finalSoftCap the same on logits; 0 for none
 * @param slidingWindow how many positions, its own included, a row of a sliding layer sees; 0 for
 *     no window
 * @param slidingPattern which layers slide: with 0 none, with 1 all, with n all but every n-th
 *     (layer {@code l} slides when {@code (l + 1) % n != 0})
 * @param embeddingScale what embeddings are multiplied by
 * @param activation the feed-forward's non-linearity
 * @param gated whether the feed-forward is {@code down(act(gate(x)) * up(x))} and not {@code
 *     down(act(up(x)))}
 */
public record ModelSpec(
    Architecture architecture,
    String name,
    boolean vocabularyOnly,
    int layers,
    int embeddingLength,
    int vocabularySize,
    int contextLength,
    int heads,
    int kvHeads,
    int keyLength,
    int valueLength,
    int feedForwardLength,
    float normEpsilon,
    PositionEncoding position,
    float attentionScale,
    float attentionSoftCap,
    float finalSoftCap,
    int slidingWindow,
    int slidingPattern,
    float embeddingScale,
    Activation activation,
    boolean gated) {
  /**
   * Reads the shape of a model.
   *
   * @throws dev.sluice.model.gguf.ModelFileException for an unknown architecture, a missing
   *     required key, or a value that makes no sense
   */
  public static ModelSpec of(GgufFile file) {
    return new SpecReader(file).read();
  }

  static ModelSpec vocabularyOnly(Architecture architecture, String name, int vocabularySize) {
    return new ModelSpec(
        architecture,
        name,
        true,
        0,
        0,
        vocabularySize,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        new PositionEncoding.Sinusoidal(),
        1,
        0,
        0,
        0,
        0,
        1,
        architecture.activation(),
        architecture.gated());
  }

  /** How activations are normalized. */
  public NormKind norm() {
    return architecture.norm();
  }

  /** Whether rows of {@code layer} see only the last {@link #slidingWindow} positions. */
  public boolean slides(int layer) {
    return slidingWindow > 0 && slides(slidingPattern, layer);
  }

  static boolean slides(int pattern, int layer) {
    return pattern == 1 || (pattern > 1 && (layer + 1) % pattern != 0);
  }

  /** The window of {@code layer}; {@link Integer#MAX_VALUE} where it has none. */
  public int window(int layer) {
    return slides(layer) ? slidingWindow : Integer.MAX_VALUE;
  }

  /**
   * Whether LongRoPE's long factors apply, rather than the short ones.
   *
   * @param contextTokens the longest sequence of the run, the same on all its shards; not more than
   *     {@link #contextLength} counts
   */
  public boolean longFactors(int contextTokens) {
    return position instanceof PositionEncoding.Rope(_, _, _, RopeScaling.LongRope scaling, _, _)
        && Math.min(contextLength, contextTokens) > scaling.originalContext();
  }

  /** Elements of all query heads of a row. */
  public int queryLength() {
    return heads * keyLength;
  }

  /** Elements of all key heads of a row. */
  public int keysLength() {
    return kvHeads * keyLength;
  }

  /** Elements of all value heads of a row. */
  public int valuesLength() {
    return kvHeads * valueLength;
  }
}
