package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class VectorMathTest {
  private static final int COUNT = 400_000;

  private static float[] exp(float... x) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = KernelOracle.segment(arena, x);
      VectorMath.exp(segment, 0, segment, 0, x.length);
      return KernelOracle.array(segment);
    }
  }

  private static float[] tanh(float... x) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = KernelOracle.segment(arena, x);
      VectorMath.tanh(segment, 0, segment, 0, x.length);
      return KernelOracle.array(segment);
    }
  }

  private static float[] spread(float from, float to) {
    float[] x = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      x[i] = from + (to - from) * i / (COUNT - 1);
    }
    return x;
  }

  /** The largest error in units in the last place of the exact value, subnormals included. */
  private static double worst(float[] x, float[] y, DoubleUnaryOperator exact) {
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      double value = exact.applyAsDouble(x[i]);
      worst = Math.max(worst, Math.abs(y[i] - value) / Math.ulp((float) value));
    }
    return worst;
  }

  @Test
  void shouldComputeExpWithinTwoUlp() {
    for (float[] x : new float[][] {spread(-103, 88.7f), spread(-1, 1), spread(-1e-3f, 1e-3f)}) {
      assertThat(worst(x, exp(x), StrictMath::exp)).isLessThan(1.5);
    }
  }

  @Test
  void shouldComputeTanhWithinTwoUlp() {
    for (float[] x : new float[][] {spread(-10, 10), spread(-1, 1), spread(-1e-3f, 1e-3f)}) {
      assertThat(worst(x, tanh(x), StrictMath::tanh)).isLessThan(2);
    }
  }

  @Test
  void shouldBeRightAtTheExtremes() {
    float infinity = Float.POSITIVE_INFINITY;
    float[] x = {0, -0f, 88.7228f, 88.73f, 200, 3e38f, infinity, -103.9f, -105, -3e38f, -infinity};
    float[] vector = new float[16 * x.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = x[i / 16];
    }
    float[] y = exp(vector);
    float[] expected = {
      1, 1, (float) Math.exp(88.7228f), infinity, infinity, infinity, infinity, 0x1p-149f, 0, 0, 0
    };
    for (int i = 0; i < vector.length; i++) {
      assertThat(y[i]).isCloseTo(expected[i / 16], within(Math.ulp(expected[i / 16]) + 0f));
    }
    assertThat(tanh(infinity, -infinity, 3e38f, -3e38f, -0f)).containsExactly(1, -1, 1, -1, -0f);
    float[] nan = new float[33];
    Arrays.fill(nan, Float.NaN);
    assertThat(exp(nan)).containsOnly(Float.NaN);
    assertThat(tanh(nan)).containsOnly(Float.NaN);
  }

  @Property(tries = 100)
  void shouldGiveAnElementTheSameBitsAnywhere(
      @ForAll @IntRange(min = 1, max = 1100) int n, @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian() * (1 << random.nextInt(8));
    }
    float[] exps = exp(x);
    float[] tanhs = tanh(x);
    for (int i = 0; i < n; i++) {
      assertThat(exps[i]).isEqualTo(exp(x[i])[0]);
      assertThat(tanhs[i]).isEqualTo(tanh(x[i])[0]);
    }
  }

  @Test
  void shouldComputeTheErrorFunction() {
    // Abramowitz and Stegun, table 7.1, and symmetry.
    assertThat(VectorMath.erf(0.5)).isCloseTo(0.5204998778130465, within(1e-15));
    assertThat(VectorMath.erf(1)).isCloseTo(0.8427007929497149, within(1e-15));
    assertThat(VectorMath.erf(2)).isCloseTo(0.9953222650189527, within(1e-15));
    assertThat(VectorMath.erf(5)).isCloseTo(0.9999999999984626, within(1e-14));
    assertThat(VectorMath.erf(-1)).isEqualTo(-VectorMath.erf(1));
    assertThat(VectorMath.erf(0)).isZero();
    assertThat(VectorMath.erf(100)).isEqualTo(1);
    assertThat(VectorMath.erf(Double.NaN)).isNaN();
  }
}
