package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding (Su et al., 2021): turns pairs of a head's elements by an angle that
 * grows with the position.
 *
 * <p>Angles, cosines and sines are computed in double by {@link StrictMath} and rounded once; a
 * block of positions is computed when the first of them is used. Thread-safe.
 */
public final class Rope {
  private static final int BLOCK = 256;

  private final int dims;
  private final boolean halves;
  private final double[] frequencies;
  private final double magnitude;
  private final int positions;
  private final AtomicReferenceArray<float @Nullable []> blocks;

  private Rope(Builder builder) {
    dims = builder.dims;
    halves = builder.halves;
    frequencies = builder.frequencies();
    magnitude = builder.magnitude();
    positions = builder.positions;
    blocks = new AtomicReferenceArray<>((positions + BLOCK - 1) / BLOCK);
  }

  /**
   * Starts the description of an embedding.
   *
   * @param dims how many leading elements of each head are turned; even
   * @param base the base of the frequencies: pair {@code i} turns by {@code base^(-2i / dims)} a
   *     position
   * @param positions positions 0 to {@code positions - 1} may be used
   */
  public static Builder builder(int dims, double base, int positions) {
    return new Builder(dims, base, positions);
  }

  /**
   * Turns the heads of one row in place.
   *
   * @param row holds {@code heads} vectors of {@code headDim} floats from {@code offset} on
   * @param headDim at least the embedding's {@code dims}; elements past {@code dims} stay
   */
  public void apply(MemorySegment row, long offset, int heads, int headDim, int position) {
    turn(row, offset, heads, headDim, position, 1);
  }

  /**
   * Turns the heads of one row the other way: what {@link #apply} does to a vector, this does to
   * its gradient (and undoes, but for rounding and the attention factor).
   */
  public void applyTransposed(
      MemorySegment row, long offset, int heads, int headDim, int position) {
    turn(row, offset, heads, headDim, position, -1);
  }

  private void turn(
      MemorySegment row, long offset, int heads, int headDim, int position, float direction) {
    if (headDim < dims) {
      throw new IllegalArgumentException("heads of " + headDim + " floats, " + dims + " turned");
    }
    Objects.checkIndex(position, positions);
    long at = NativeMemory.floats(row, offset, (long) heads * headDim);
    float[] table = block(position / BLOCK);
    int entry = position % BLOCK * dims;
    for (int head = 0; head < heads; head++) {
      turn(at + (((long) head * headDim) << 2), table, entry, direction);
    }
  }

  private void turn(long head, float[] table, int entry, float direction) {
    int half = dims / 2;
    for (int i = 0; i < half; i++) {
      long first = head + ((long) (halves ? i : 2 * i) << 2);
      long second = head + ((long) (halves ? i + half : 2 * i + 1) << 2);
      float cos = table[entry + i];
      float sin = direction * table[entry + half + i];
      float a = NativeMemory.getFloat(first);
      float b = NativeMemory.getFloat(second);
      NativeMemory.setFloat(first, a * cos - b * sin);
      NativeMemory.setFloat(second, a * sin + b * cos);
    }
  }

  /** Per position {@code dims / 2} cosines, then as many sines. */
  private float[] block(int index) {
    float[] table = blocks.get(index);
    if (table != null) {
      return table;
    }
    int half = dims / 2;
    float[] fresh = new float[BLOCK * dims];
    for (int p = 0; p < BLOCK; p++) {
      for (int i = 0; i < half; i++) {
        double angle = ((double) index * BLOCK + p) * frequencies[i];
        fresh[p * dims + i] = (float) (StrictMath.cos(angle) * magnitude);
        fresh[p * dims + half + i] = (float) (StrictMath.sin(angle) * magnitude);
      }
    }
    blocks.set(index, fresh);
    return fresh;
  }

  /** Describes a {@link Rope}; for one thread. */
  public static final class Builder {
    private final int dims;
    private final double base;
    private final int positions;
    private boolean halves;
    private float @Nullable [] factors;
    private double stretch = 1;
    private double attentionFactor = 1;
    private @Nullable Yarn yarn;

    private record Yarn(int originalContext, double ext, double betaFast, double betaSlow) {}

    private Builder(int dims, double base, int positions) {
      if (dims < 2 || dims % 2 != 0 || !(base > 0) || positions < 1) {
        throw new IllegalArgumentException(
            "rope of " + dims + " dims, base " + base + ", " + positions + " positions");
      }
      this.dims = dims;
      this.base = base;
      this.positions = positions;
    }

    /** Pairs are {@code (i, i + dims / 2)} (NEOX) instead of {@code (2i, 2i + 1)} (NORM). */
    public Builder halves(boolean value) {
      halves = value;
      return this;
    }

    /** Divides the frequency of each pair by its factor (Llama 3, LongRoPE). */
    public Builder frequencyFactors(float[] values) {
      if (values.length != dims / 2) {
        throw new IllegalArgumentException(values.length + " factors for " + dims / 2 + " pairs");
      }
      factors = values.clone();
      return this;
    }

    /** Divides all positions by a factor. */
    public Builder linear(double factor) {
      stretch = positive("factor", factor);
      return this;
    }

    /**
     * YaRN (Peng et al., 2023): pairs that turn fast keep their frequency, slow ones are divided by
     * {@code factor}, with a ramp between; cos and sin are also multiplied by {@code 1 + 0.1 ln
     * factor}, unless {@code extFactor} is 0.
     *
     * @param extFactor weight of the ramp, 1 in the paper
     * @param betaFast turns over the original context above which a frequency is kept
     * @param betaSlow turns below which it is divided
     */
    public Builder yarn(
        double factor, int originalContext, double extFactor, double betaFast, double betaSlow) {
      stretch = positive("factor", factor);
      yarn = new Yarn(originalContext, extFactor, betaFast, betaSlow);
      return this;
    }

    /** What cos and sin are multiplied by, beside YaRN's own. */
    public Builder attentionFactor(double value) {
      attentionFactor = positive("attention factor", value);
      return this;
    }

    public Rope build() {
      return new Rope(this);
    }

    private static double positive(String what, double value) {
      if (!(value > 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException("rope's " + what + " must be positive: " + value);
      }
      return value;
    }

    private double[] frequencies() {
      double[] result = new double[dims / 2];
      for (int i = 0; i < result.length; i++) {
        double frequency = StrictMath.pow(base, -2.0 * i / dims);
        if (factors != null) {
          frequency /= factors[i];
        }
        double kept = yarn == null ? 0 : yarn.ext * (1 - ramp(yarn, i));
        result[i] = frequency / stretch * (1 - kept) + frequency * kept;
      }
      return result;
    }

    /** 0 for pairs that keep their frequency, 1 for those that are divided. */
    private double ramp(Yarn y, int pair) {
      double low = Math.max(0, Math.floor(pairThatTurns(y.betaFast, y.originalContext)));
      double high = Math.min(dims - 1, Math.ceil(pairThatTurns(y.betaSlow, y.originalContext)));
      return Math.clamp((pair - low) / Math.max(0.001, high - low), 0, 1);
    }

    /** The (fractional) pair that makes so many turns over a context. */
    private double pairThatTurns(double turns, int context) {
      return dims * StrictMath.log(context / (turns * 2 * Math.PI)) / (2 * StrictMath.log(base));
    }

    private double magnitude() {
      boolean scaled = yarn != null && yarn.ext != 0;
      return attentionFactor * (scaled ? 1 + 0.1 * StrictMath.log(stretch) : 1);
    }
  }
}
