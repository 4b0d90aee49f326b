package dev.sluice.model.reference;

import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.arch.PositionEncoding.Rope;
import dev.sluice.model.arch.RopeScaling;
import dev.sluice.model.arch.RopeStyle;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Rotary position embedding (Su et al., 2021): pair {@code i} of a head at position {@code p} turns
 * by {@code p * frequency[i]}, and is stretched by a magnitude that some scalings have.
 */
final class Rotation {
  private final Algebra algebra;
  private final RopeStyle style;
  private final int dimensions;
  private final double[] frequencies;
  private final double magnitude;

  private Rotation(
      Algebra algebra, RopeStyle style, int dimensions, double[] frequencies, double magnitude) {
    this.algebra = algebra;
    this.style = style;
    this.dimensions = dimensions;
    this.frequencies = frequencies;
    this.magnitude = magnitude;
  }

  /**
   * The rotation of layers with a sliding window, or that of the others.
   *
   * @param contextTokens the longest sequence of the run: it decides which LongRoPE factors apply
   */
  static Rotation of(
      Algebra algebra,
      GgufFile file,
      ModelSpec spec,
      Rope rope,
      boolean sliding,
      int contextTokens) {
    RopeScaling scaling =
        sliding && !rope.slidingScaled() ? new RopeScaling.None() : rope.scaling();
    int pairs = rope.dimensions() / 2;
    double base = sliding ? rope.slidingBase() : rope.base();
    double[] frequencies = new double[pairs];
    for (int i = 0; i < pairs; i++) {
      frequencies[i] = StrictMath.pow(base, -2.0 * i / rope.dimensions());
    }
    Optional<GgufTensor> factors = file.find("rope_freqs.weight");
    if (factors.isPresent()) {
      divide(frequencies, WeightLoader.elements(factors.get(), pairs));
    }
    double magnitude =
        switch (scaling) {
          case RopeScaling.None() -> 1;
          case RopeScaling.Linear(double factor) -> {
            for (int i = 0; i < pairs; i++) {
              frequencies[i] /= factor;
            }
            yield 1;
          }
          case RopeScaling.Yarn yarn -> stretch(frequencies, base, rope.dimensions(), yarn);
          case RopeScaling.LongRope longRope -> {
            boolean isLong = spec.longFactors(contextTokens);
            String name = isLong ? "rope_factors_long.weight" : "rope_factors_short.weight";
            divide(frequencies, WeightLoader.elements(file.tensor(name), pairs));
            yield longRope.attnFactor();
          }
        };
    return new Rotation(algebra, rope.style(), rope.dimensions(), frequencies, magnitude);
  }

  private static void divide(double[] frequencies, float[] factors) {
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] /= factors[i];
    }
  }

  /**
   * YaRN's "NTK by parts" (Peng et al., 2023, section 3.2): a frequency that makes more than {@code
   * betaFast} turns over the original context stays, one that makes less than {@code betaSlow} is
   * divided by the factor, and between the indices of these two lies a linear ramp.
   *
   * @return the magnitude: the square root of the paper's {@code 1/t}, for queries and keys each
   */
  private static double stretch(
      double[] frequencies, double base, int dimensions, RopeScaling.Yarn yarn) {
    double low = Math.max(0, StrictMath.floor(index(yarn, yarn.betaFast(), base, dimensions)));
    double high =
        Math.min(dimensions - 1, StrictMath.ceil(index(yarn, yarn.betaSlow(), base, dimensions)));
    for (int i = 0; i < frequencies.length; i++) {
      double ramp = (i - low) / Math.max(0.001, high - low);
      double kept = (1 - Math.clamp(ramp, 0.0, 1.0)) * yarn.extFactor();
      frequencies[i] = frequencies[i] / yarn.factor() * (1 - kept) + frequencies[i] * kept;
    }
    return yarn.attnFactor()
        * (yarn.extFactor() == 0 ? 1 : 1 + 0.1 * StrictMath.log(yarn.factor()));
  }

  /** The (real) index of the pair that makes {@code turns} turns over the original context. */
  private static double index(RopeScaling.Yarn yarn, double turns, double base, int dimensions) {
    return dimensions
        * StrictMath.log(yarn.originalContext() / (turns * 2 * Math.PI))
        / (2 * StrictMath.log(base));
  }

  /**
   * Turns every head of every row, in place.
   *
   * @param x {@code [n x heads * length]}, in C order, not a view
   * @param heads heads of a row
   * @param start position of the first row
   */
  void apply(INDArray x, int heads, int start) {
    long rows = x.size(0);
    INDArray view = x.reshape('c', rows, heads, x.size(1) / heads);
    int pairs = frequencies.length;
    INDArrayIndex first =
        switch (style) {
          case NORM -> NDArrayIndex.interval(0, 2, dimensions);
          case NEOX -> NDArrayIndex.interval(0, pairs);
        };
    INDArrayIndex second =
        switch (style) {
          case NORM -> NDArrayIndex.interval(1, 2, dimensions);
          case NEOX -> NDArrayIndex.interval(pairs, dimensions);
        };
    try (Scope scope = new Scope()) {
      INDArray cos = scope.own(algebra.array(rows, 1, pairs));
      INDArray sin = scope.own(algebra.array(rows, 1, pairs));
      tables(cos, sin, start);
      INDArray a = view.get(NDArrayIndex.all(), NDArrayIndex.all(), first);
      INDArray b = view.get(NDArrayIndex.all(), NDArrayIndex.all(), second);
      INDArray turnedA = scope.own(a.mul(cos));
      turnedA.subi(scope.own(b.mul(sin)));
      INDArray turnedB = scope.own(a.mul(sin));
      turnedB.addi(scope.own(b.mul(cos)));
      a.assign(turnedA);
      b.assign(turnedB);
    }
  }

  private void tables(INDArray cos, INDArray sin, int start) {
    MemorySegment cosines = algebra.memory(cos);
    MemorySegment sines = algebra.memory(sin);
    long at = 0;
    for (long row = 0; row < cos.size(0); row++) {
      for (double frequency : frequencies) {
        double angle = (start + row) * frequency;
        algebra.set(cosines, at, StrictMath.cos(angle) * magnitude);
        algebra.set(sines, at++, StrictMath.sin(angle) * magnitude);
      }
    }
  }
}
