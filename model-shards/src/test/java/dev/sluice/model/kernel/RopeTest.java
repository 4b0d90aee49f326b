package dev.sluice.model.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RopeTest {
  private static float[] turned(Rope rope, float[] row, int heads, int headDim, int position) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = KernelOracle.segment(arena, row);
      rope.apply(segment, 0, heads, headDim, position);
      return KernelOracle.array(segment);
    }
  }

  /** The first pair of each head turned from (1, 0): its cosine and sine. */
  private static double angleOf(Rope rope, int dims, int pair, int position) {
    float[] row = new float[dims];
    row[pair] = 1;
    float[] y = turned(rope, row, 1, dims, position);
    return StrictMath.atan2(y[pair + dims / 2], y[pair]);
  }

  @Property(tries = 100)
  void shouldTurnPairsByTheirAngles(
      @ForAll @IntRange(min = 1, max = 40) int pairs,
      @ForAll @IntRange(min = 0, max = 7) int rest,
      @ForAll @IntRange(min = 1, max = 3) int heads,
      @ForAll @IntRange(min = 0, max = 999) int position,
      @ForAll boolean halves,
      @ForAll long seed) {
    int dims = 2 * pairs;
    int headDim = dims + rest;
    float[] x = KernelOracle.gaussians(new Random(seed), heads * headDim);
    Rope rope = Rope.builder(dims, 10_000, 1000).halves(halves).build();
    float[] y = turned(rope, x, heads, headDim, position);
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < pairs; i++) {
        double angle = position * StrictMath.pow(10_000, -2.0 * i / dims);
        float cos = (float) StrictMath.cos(angle);
        float sin = (float) StrictMath.sin(angle);
        int a = head * headDim + (halves ? i : 2 * i);
        int b = head * headDim + (halves ? i + pairs : 2 * i + 1);
        assertThat(y[a]).isEqualTo(x[a] * cos - x[b] * sin);
        assertThat(y[b]).isEqualTo(x[a] * sin + x[b] * cos);
      }
      for (int i = dims; i < headDim; i++) {
        assertThat(y[head * headDim + i]).isEqualTo(x[head * headDim + i]);
      }
    }
  }

  @Test
  void shouldScaleFrequencies() {
    int dims = 8;
    float[] factors = {1, 2, 4, 8};
    Rope plain = Rope.builder(dims, 100, 64).halves(true).build();
    Rope linear = Rope.builder(dims, 100, 64).halves(true).linear(4).build();
    Rope divided = Rope.builder(dims, 100, 64).halves(true).frequencyFactors(factors).build();
    for (int pair = 0; pair < 4; pair++) {
      double angle = angleOf(plain, dims, pair, 2);
      assertThat(angleOf(linear, dims, pair, 8)).isCloseTo(angle, within(1e-6));
      assertThat(angleOf(divided, dims, pair, 2)).isCloseTo(angle / factors[pair], within(1e-6));
    }
  }

  @Test
  void shouldRampByYarn() {
    int dims = 64;
    Rope plain = Rope.builder(dims, 10_000, 64).halves(true).build();
    Rope yarn = Rope.builder(dims, 10_000, 64).halves(true).yarn(4, 2048, 1, 32, 1).build();
    // A pair that turns 32 times or more over 2,048 positions keeps its angle; one that turns less
    // than once has a quarter of it; between them the share grows.
    assertThat(angleOf(yarn, dims, 0, 1)).isCloseTo(angleOf(plain, dims, 0, 1), within(1e-6));
    assertThat(angleOf(yarn, dims, 31, 4)).isCloseTo(angleOf(plain, dims, 31, 1), within(1e-9));
    double last = 1;
    for (int pair = 0; pair < dims / 2; pair++) {
      double share = angleOf(yarn, dims, pair, 1) / angleOf(plain, dims, pair, 1);
      assertThat(share).isBetween(0.249, last + 1e-4);
      last = share;
    }
    float[] one = new float[dims];
    one[0] = 1;
    float[] y = turned(yarn, one, 1, dims, 0);
    assertThat((double) y[0]).isCloseTo(1 + 0.1 * Math.log(4), within(1e-6));
    Rope longer = Rope.builder(dims, 10_000, 64).halves(true).attentionFactor(1.5).build();
    assertThat(turned(longer, one, 1, dims, 0)[0]).isEqualTo(1.5f);
  }

  @Test
  void shouldRefuseImpossibleArguments() {
    assertThatThrownBy(() -> Rope.builder(7, 100, 64)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Rope.builder(8, Double.NaN, 64))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Rope.builder(8, 100, 64).frequencyFactors(new float[3]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Rope.builder(8, 100, 64).linear(0))
        .isInstanceOf(IllegalArgumentException.class);
    Rope rope = Rope.builder(8, 100, 64).build();
    assertThatThrownBy(() -> turned(rope, new float[8], 1, 8, 64))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> turned(rope, new float[6], 1, 6, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> turned(rope, new float[8], 2, 8, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldWriteSinusoids() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment row = KernelOracle.floats(arena, 6);
      Sinusoids.write(5, row, 0, 6);
      float[] y = KernelOracle.array(row);
      for (int i = 0; i < 3; i++) {
        double angle = 5 / Math.pow(10_000, 2 * i / 6.0);
        assertThat((double) y[2 * i]).isCloseTo(Math.sin(angle), within(1e-7));
        assertThat((double) y[2 * i + 1]).isCloseTo(Math.cos(angle), within(1e-7));
      }
    }
  }
}
