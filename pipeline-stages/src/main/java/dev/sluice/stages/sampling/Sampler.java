package dev.sluice.stages.sampling;

import dev.sluice.stages.grammar.GrammarMatcher;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Chooses tokens from rows of logits. What it chooses is a function of its arguments alone: the
 * row, the parameters and the token log; the draw at a position is a function of the seed and the
 * position.
 *
 * <p>The chain, in llama.cpp's default order: logit bias, grammar, penalties (repetition,
 * frequency, presence), top-k, top-p, min-p, temperature, draw. At temperature 0 the largest logit
 * after bias and penalties is taken, the lower id among equals.
 *
 * <p>Owns its scratch memory, which grows with the vocabulary, and allocates nothing afterwards.
 * For one thread. The getters tell the outcome of the last call.
 */
public final class Sampler {
  /** Instead of a token: none is known, or none could be chosen. */
  public static final int NO_TOKEN = -1;

  private final int vocabularySize;
  private final float[] raw;
  private final float[] changed;
  private final int[] counts;
  private final Candidates candidates;
  private final Candidates top;
  private final double[] weights;

  private int token = NO_TOKEN;
  private float logit;
  private double logSumExp;
  private boolean finite;

  public Sampler(int vocabularySize) {
    if (vocabularySize < 1) {
      throw new IllegalArgumentException(
          "a vocabulary of " + vocabularySize + " tokens: must have at least 1");
    }
    this.vocabularySize = vocabularySize;
    raw = new float[vocabularySize];
    changed = new float[vocabularySize];
    counts = new int[vocabularySize];
    candidates = new Candidates(vocabularySize);
    top = new Candidates(Math.min(vocabularySize, SamplingParameters.MAX_TOP_LOGPROBS));
    weights = new double[vocabularySize];
  }

  public int vocabularySize() {
    return vocabularySize;
  }

  /**
   * Chooses the token that follows the log.
   *
   * @param logits memory with the row, f32
   * @param offset of the row, in bytes
   * @param log the sequence's tokens, prompt and answer, each within the vocabulary; not changed
   * @param length how many they are: the position of the token to choose
   * @param grammar which tokens are allowed; null for all
   * @return whether there is a token; none where a logit of the model is NaN or infinite ({@link
   *     #finite} says), or every token is banned by its bias or by the grammar
   * @throws dev.sluice.stages.grammar.GrammarException where the grammar takes too much work
   */
  public boolean sample(
      MemorySegment logits,
      long offset,
      SamplingParameters parameters,
      int[] log,
      int length,
      @Nullable GrammarMatcher grammar) {
    if (!read(logits, offset, parameters.topLogprobs())) {
      return false;
    }
    System.arraycopy(raw, 0, changed, 0, vocabularySize);
    parameters.logitBias().apply(changed, vocabularySize);
    if (grammar != null) {
      grammar.mask(changed, vocabularySize);
    }
    Penalties.apply(changed, parameters, log, length, counts);
    int chosen = choose(parameters, length);
    if (chosen == NO_TOKEN) {
      return false;
    }
    token = chosen;
    logit = raw[chosen];
    return true;
  }

  /**
   * Reads the distribution of a row whose next token is known.
   *
   * @param logits memory with the row, f32
   * @param offset of the row, in bytes
   * @param next the token that follows, within the vocabulary, or {@link #NO_TOKEN}
   * @param topLogprobs how many of the largest logits to find
   * @return false where a logit is NaN or infinite
   */
  public boolean score(MemorySegment logits, long offset, int next, int topLogprobs) {
    if (!read(logits, offset, topLogprobs)) {
      return false;
    }
    token = next;
    logit = next == NO_TOKEN ? 0 : raw[next];
    return true;
  }

  private boolean read(MemorySegment logits, long offset, int topLogprobs) {
    token = NO_TOKEN;
    logit = 0;
    logSumExp = 0;
    top.clear();
    MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT_UNALIGNED, offset, raw, 0, vocabularySize);
    float max = raw[0];
    finite = true;
    for (int i = 0; i < vocabularySize; i++) {
      finite &= Float.isFinite(raw[i]);
      max = Math.max(max, raw[i]);
    }
    if (!finite) {
      return false;
    }
    logSumExp = LogSumExp.of(raw, vocabularySize, max);
    int wanted = Math.min(topLogprobs, vocabularySize);
    if (wanted > 0) {
      TopK.select(raw, vocabularySize, wanted, top);
    }
    return true;
  }

  private int choose(SamplingParameters parameters, int position) {
    if (parameters.greedy()) {
      return Greedy.pick(changed, vocabularySize);
    }
    int k = parameters.topK();
    if (k > 0 && k < vocabularySize) {
      TopK.select(changed, vocabularySize, k, candidates);
    } else {
      candidates.fill(changed, vocabularySize);
    }
    TopP.apply(candidates, parameters.topP());
    MinP.apply(candidates, parameters.minP());
    if (candidates.size() == 0) {
      return NO_TOKEN;
    }
    double total = Temperature.weights(candidates, parameters.temperature(), weights);
    double uniform = Draw.uniform(parameters.seed(), position);
    return candidates.id(Draw.pick(weights, candidates.size(), total, uniform));
  }

  /** Whether all logits of the row were finite. */
  public boolean finite() {
    return finite;
  }

  /** The token chosen, or given to {@link #score}; {@link #NO_TOKEN} where there is none. */
  public int token() {
    return token;
  }

  /** The token's raw logit; 0 where there is no token. */
  public float logit() {
    return logit;
  }

  /** Logarithm of the sum of the exponentials of all raw logits. */
  public double logSumExp() {
    return logSumExp;
  }

  /** How many of the largest raw logits were found. */
  public int topCount() {
    return top.size();
  }

  /** Token of the i-th largest raw logit, equal ones by lower id. */
  public int topToken(int i) {
    return top.id(i);
  }

  /** The i-th largest raw logit. */
  public float topLogit(int i) {
    return top.logit(i);
  }
}
