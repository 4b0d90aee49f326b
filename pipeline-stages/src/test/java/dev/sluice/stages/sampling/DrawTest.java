package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class DrawTest {
  @Property
  void shouldLieInTheUnitInterval(@ForAll long seed, @ForAll @IntRange(min = 0) int position) {
    assertThat(Draw.uniform(seed, position)).isGreaterThanOrEqualTo(0).isLessThan(1);
    assertThat(Draw.uniform(seed, position)).isEqualTo(Draw.uniform(seed, position));
  }

  @Example
  void shouldBeUniformOverPositionsOfOneSeed() {
    int[] counts = new int[64];
    for (int position = 0; position < 64_000; position++) {
      counts[(int) (Draw.uniform(42, position) * 64)]++;
    }
    assertThat(chiSquare(counts, 1_000)).isLessThan(CRITICAL_63);
  }

  @Example
  void shouldBeUniformOverSeedsAtOnePosition() {
    int[] counts = new int[64];
    for (int seed = 0; seed < 64_000; seed++) {
      counts[(int) (Draw.uniform(seed, 7) * 64)]++;
    }
    assertThat(chiSquare(counts, 1_000)).isLessThan(CRITICAL_63);
  }

  @Example
  void shouldNotBeTheNeighbouringSeedShifted() {
    int[] counts = new int[64];
    for (int position = 0; position < 64_000; position++) {
      double a = Draw.uniform(1, position);
      double b = Draw.uniform(2, position);
      int first = (int) (a * 8);
      int second = (int) (b * 8);
      counts[8 * first + second]++;
    }
    assertThat(chiSquare(counts, 1_000)).isLessThan(CRITICAL_63);
  }

  /** Chi-square with 63 degrees of freedom exceeds this once in a million times. */
  private static final double CRITICAL_63 = 128;

  private static double chiSquare(int[] counts, double expected) {
    double sum = 0;
    for (int count : counts) {
      sum += (count - expected) * (count - expected) / expected;
    }
    return sum;
  }

  @Example
  void shouldPickByCumulativeWeight() {
    double[] weights = {0.25, 0, 0.5, 0.25};
    assertThat(Draw.pick(weights, 4, 1, 0)).isEqualTo(0);
    assertThat(Draw.pick(weights, 4, 1, 0.2499)).isEqualTo(0);
    assertThat(Draw.pick(weights, 4, 1, 0.25)).isEqualTo(2);
    assertThat(Draw.pick(weights, 4, 1, 0.7499)).isEqualTo(2);
    assertThat(Draw.pick(weights, 4, 1, 0.75)).isEqualTo(3);
    assertThat(Draw.pick(new double[] {1, 0}, 2, 1, 1)).as("never a weight of 0").isEqualTo(0);
  }
}
