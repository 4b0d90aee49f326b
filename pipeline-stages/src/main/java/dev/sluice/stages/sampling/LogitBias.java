package dev.sluice.stages.sampling;

import java.util.Arrays;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * What is added to the logits of chosen tokens before anything else looks at them. Negative
 * infinity bans a token. Immutable; kept as two arrays in ascending order of token, so that
 * applying it allocates nothing.
 */
public final class LogitBias {
  /** No bias at all. */
  public static final LogitBias NONE = new LogitBias(new int[0], new float[0]);

  /** Most tokens with a bias: as many as the message that carries them can count. */
  public static final int MAX_ENTRIES = 65_534;

  private final int[] tokens;
  private final float[] biases;

  private LogitBias(int[] tokens, float[] biases) {
    this.tokens = tokens;
    this.biases = biases;
  }

  /**
   * A bias for each of the given tokens.
   *
   * @param biases token to bias; each bias finite or negative infinity
   * @throws IllegalArgumentException for a negative token, NaN, positive infinity, or more than
   *     {@link #MAX_ENTRIES}
   */
  public static LogitBias of(Map<Integer, Float> biases) {
    if (biases.isEmpty()) {
      return NONE;
    }
    if (biases.size() > MAX_ENTRIES) {
      throw new IllegalArgumentException(
          "logit bias for " + biases.size() + " tokens: at most " + MAX_ENTRIES + " may be given");
    }
    int[] tokens = new int[biases.size()];
    float[] values = new float[biases.size()];
    int i = 0;
    for (Map.Entry<Integer, Float> entry : new TreeMap<>(biases).entrySet()) {
      int token = entry.getKey();
      float bias = entry.getValue();
      if (token < 0) {
        throw new IllegalArgumentException(
            "logit bias for token " + token + ": token ids start at 0");
      }
      if (Float.isNaN(bias) || bias == Float.POSITIVE_INFINITY) {
        throw new IllegalArgumentException(
            "logit bias "
                + bias
                + " for token "
                + token
                + ": give a finite number, or negative infinity to ban it");
      }
      tokens[i] = token;
      values[i++] = bias;
    }
    return new LogitBias(tokens, values);
  }

  /** This bias, and the given tokens banned. */
  public LogitBias banning(int... banned) {
    TreeMap<Integer, Float> all = new TreeMap<>();
    for (int i = 0; i < tokens.length; i++) {
      all.put(tokens[i], biases[i]);
    }
    for (int token : banned) {
      all.put(token, Float.NEGATIVE_INFINITY);
    }
    return of(all);
  }

  /** Number of tokens with a bias. */
  public int size() {
    return tokens.length;
  }

  /** Token of entry i, ascending. */
  public int token(int i) {
    return tokens[i];
  }

  /** Bias of entry i. */
  public float bias(int i) {
    return biases[i];
  }

  /**
   * Adds the biases to logits.
   *
   * @param logits of the vocabulary, finite, changed in place; they stay finite but for banned
   *     tokens
   * @param vocabularySize entries for tokens beyond it are passed over
   */
  void apply(float[] logits, int vocabularySize) {
    for (int i = 0; i < tokens.length && tokens[i] < vocabularySize; i++) {
      int id = tokens[i];
      logits[id] =
          biases[i] == Float.NEGATIVE_INFINITY
              ? Float.NEGATIVE_INFINITY
              : (float)
                  Math.clamp((double) logits[id] + biases[i], -Float.MAX_VALUE, Float.MAX_VALUE);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LogitBias that
        && Arrays.equals(tokens, that.tokens)
        && Arrays.equals(biases, that.biases);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(tokens) + Arrays.hashCode(biases);
  }

  @Override
  public String toString() {
    StringJoiner joiner = new StringJoiner(", ", "{", "}");
    for (int i = 0; i < tokens.length; i++) {
      joiner.add(tokens[i] + "=" + biases[i]);
    }
    return joiner.toString();
  }
}
