package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Norms, softmax, activations and what is done to each element: against plain loops. */
class RowKernelsTest {
  @Property(tries = 100)
  void shouldNormaliseByTheRootMeanSquare(
      @ForAll @IntRange(min = 1, max = 700) int n, @ForAll boolean weighted, @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = KernelOracle.gaussians(random, n);
    float[] weight = KernelOracle.gaussians(random, n);
    float[] expected = new float[n];
    float factor = (float) (1 / Math.sqrt(KernelOracle.dot(x, 0, x, 0, n) / n + 1e-5f));
    for (int i = 0; i < n; i++) {
      expected[i] = weighted ? x[i] * factor * weight[i] : x[i] * factor;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = KernelOracle.segment(arena, x);
      MemorySegment out = KernelOracle.floats(arena, n);
      MemorySegment w = weighted ? KernelOracle.segment(arena, weight) : null;
      Norms.rmsNorm(in, 0, w, 1e-5f, out, 0, n);
      assertThat(KernelOracle.array(out)).isEqualTo(expected);
      Norms.rmsNorm(in, 0, w, 1e-5f, in, 0, n);
      assertThat(KernelOracle.array(in)).isEqualTo(expected);
    }
  }

  @Test
  void shouldNormaliseEachHead() {
    float[] x = KernelOracle.gaussians(new Random(1), 3 * 20);
    float[] weight = KernelOracle.gaussians(new Random(2), 20);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment heads = KernelOracle.segment(arena, x);
      MemorySegment single = KernelOracle.segment(arena, x);
      MemorySegment w = KernelOracle.segment(arena, weight);
      Norms.rmsNormHeads(heads, 0, 3, 20, w, 1e-6f);
      for (int head = 0; head < 3; head++) {
        Norms.rmsNorm(single, head * 20L, w, 1e-6f, single, head * 20L, 20);
      }
      assertThat(KernelOracle.array(heads)).isEqualTo(KernelOracle.array(single));
    }
  }

  @Property(tries = 100)
  void shouldNormaliseByMeanAndVariance(
      @ForAll @IntRange(min = 1, max = 700) int n, @ForAll boolean biased, @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = KernelOracle.gaussians(random, n);
    float[] weight = KernelOracle.gaussians(random, n);
    float[] bias = KernelOracle.gaussians(random, n);
    float mean = KernelOracle.sum(x) / n;
    float[] expected = new float[n];
    for (int i = 0; i < n; i++) {
      expected[i] = x[i] - mean;
    }
    float variance = KernelOracle.dot(expected, 0, expected, 0, n) / n;
    float factor = (float) (1 / Math.sqrt(variance + 1e-5f));
    for (int i = 0; i < n; i++) {
      expected[i] = expected[i] * factor * weight[i];
      expected[i] = biased ? expected[i] + bias[i] : expected[i];
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = KernelOracle.segment(arena, x);
      MemorySegment w = KernelOracle.segment(arena, weight);
      MemorySegment b = biased ? KernelOracle.segment(arena, bias) : null;
      Norms.layerNorm(in, 0, w, b, 1e-5f, in, 0, n);
      assertThat(KernelOracle.array(in)).isEqualTo(expected);
    }
  }

  @Property(tries = 100)
  void shouldComputeTheSoftmax(@ForAll @IntRange(min = 1, max = 700) int n, @ForAll long seed) {
    float[] x = KernelOracle.gaussians(new Random(seed), n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = KernelOracle.segment(arena, x);
      Softmax.softmax(segment, 0, n);
      assertThat(KernelOracle.array(segment)).isEqualTo(KernelOracle.softmax(x));
    }
  }

  @Test
  void shouldKeepTheSoftmaxStable() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment large = KernelOracle.segment(arena, new float[] {3e38f, 3e38f, -3e38f});
      Softmax.softmax(large, 0, 3);
      assertThat(KernelOracle.array(large)).containsExactly(0.5f, 0.5f, 0);
      float[] x = new float[40];
      x[17] = Float.NaN;
      MemorySegment bad = KernelOracle.segment(arena, x);
      Softmax.softmax(bad, 0, 40);
      assertThat(KernelOracle.array(bad)).containsOnly(Float.NaN);
    }
  }

  @Property(tries = 50)
  void shouldApplyActivations(@ForAll @IntRange(min = 1, max = 1100) int n, @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = KernelOracle.gaussians(random, n);
    float[] up = KernelOracle.gaussians(random, n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment gate = KernelOracle.segment(arena, up);
      MemorySegment silu = KernelOracle.segment(arena, x);
      MemorySegment tanh = KernelOracle.segment(arena, x);
      MemorySegment erf = KernelOracle.segment(arena, x);
      Activations.siluGate(silu, 0, gate, 0, n);
      Activations.geluTanhGate(tanh, 0, gate, 0, n);
      Activations.geluErf(erf, 0, n);
      for (int i = 0; i < n; i++) {
        double v = x[i];
        double t = StrictMath.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v));
        assertThat((double) KernelOracle.array(silu)[i])
            .isCloseTo(v / (1 + StrictMath.exp(-v)) * up[i], within(2e-6));
        assertThat((double) KernelOracle.array(tanh)[i])
            .isCloseTo(v / 2 * (1 + t) * up[i], within(2e-6));
        // The two forms of GELU differ by less than 0.0005.
        assertThat((double) KernelOracle.array(erf)[i]).isCloseTo(v / 2 * (1 + t), within(5e-4));
      }
    }
  }

  @Property(tries = 50)
  void shouldGiveActivationsTheSameBitsAnywhere(
      @ForAll @IntRange(min = 1, max = 1100) int n, @ForAll long seed) {
    float[] x = KernelOracle.gaussians(new Random(seed), n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment silu = KernelOracle.segment(arena, x);
      MemorySegment tanh = KernelOracle.segment(arena, x);
      Activations.silu(silu, 0, n);
      Activations.geluTanh(tanh, 0, n);
      MemorySegment each = KernelOracle.segment(arena, x);
      MemorySegment eachTanh = KernelOracle.segment(arena, x);
      for (int i = 0; i < n; i++) {
        Activations.silu(each, i, 1);
        Activations.geluTanh(eachTanh, i, 1);
      }
      assertThat(KernelOracle.array(silu)).isEqualTo(KernelOracle.array(each));
      assertThat(KernelOracle.array(tanh)).isEqualTo(KernelOracle.array(eachTanh));
    }
  }

  @Property(tries = 50)
  void shouldWorkOnEachElement(@ForAll @IntRange(min = 0, max = 100) int n, @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = KernelOracle.gaussians(random, n);
    float[] y = KernelOracle.gaussians(random, n);
    float[] sum = new float[n];
    float[] product = new float[n];
    float[] scaled = new float[n];
    for (int i = 0; i < n; i++) {
      sum[i] = y[i] + x[i];
      product[i] = y[i] * x[i];
      scaled[i] = x[i] * 3.7f;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = KernelOracle.segment(arena, x);
      MemorySegment b = KernelOracle.segment(arena, y);
      MemorySegment c = KernelOracle.segment(arena, y);
      Elementwise.add(a, 0, b, 0, n);
      Elementwise.multiply(a, 0, c, 0, n);
      assertThat(KernelOracle.array(b)).isEqualTo(sum);
      assertThat(KernelOracle.array(c)).isEqualTo(product);
      Elementwise.copy(a, 0, c, 0, n);
      Elementwise.scale(c, 0, n, 3.7f);
      assertThat(KernelOracle.array(c)).isEqualTo(scaled);
      assertThat(Dot.dot(a, 0, a, 0, n)).isEqualTo(KernelOracle.dot(x, 0, x, 0, n));
    }
  }

  @Test
  void shouldCapSoftly() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = KernelOracle.segment(arena, new float[] {0, 1, -30, 1e9f, -1e9f});
      Elementwise.softCap(x, 0, 5, 30);
      float[] y = KernelOracle.array(x);
      assertThat(y[1]).isCloseTo((float) (30 * Math.tanh(1 / 30.0)), within(1e-6f));
      assertThat(y[2]).isCloseTo((float) (30 * Math.tanh(-1)), within(1e-5f));
      assertThat(y[3]).isEqualTo(30);
      assertThat(y[4]).isEqualTo(-30);
    }
  }

  @Test
  void shouldFindWhatIsNotFinite() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = KernelOracle.segment(arena, KernelOracle.gaussians(new Random(1), 37));
      assertThat(Elementwise.allFinite(x, 0, 37)).isTrue();
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
        for (int i = 0; i < 37; i++) {
          float[] values = new float[37];
          values[i] = bad;
          assertThat(Elementwise.allFinite(KernelOracle.segment(arena, values), 0, 37)).isFalse();
        }
      }
    }
  }
}
