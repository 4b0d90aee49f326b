package dev.sluice.stages.sampling;

import static dev.sluice.stages.sampling.TopKTest.ids;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

class TopPTest {
  // How far rounding may move a sum of 60 probabilities.
  private static final double EPSILON = 1e-12;

  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldKeepTheSmallestSetWhoseProbabilityReachesP(
      @ForAll float[] row, @ForAll @FloatRange(min = 0, max = 0.99f) float p) {
    Candidates candidates = new Candidates(row.length);
    candidates.fill(row, row.length);

    TopP.apply(candidates, p);

    int kept = candidates.size();
    assertThat(ids(candidates)).isEqualTo(TopKTest.sorted(row).limit(kept).toArray());
    double[] probabilities = probabilities(row);
    double reached = 0;
    for (int i = 0; i < kept - 1; i++) {
      reached += probabilities[candidates.id(i)];
    }
    assertThat(kept).isPositive();
    if (kept > 1) {
      assertThat(reached).as("one less does not reach p").isLessThan(p + EPSILON);
    }
    reached += probabilities[candidates.id(kept - 1)];
    assertThat(reached).as("all kept reach p").isGreaterThan(p - EPSILON);
  }

  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldKeepTheSameOfSortedCandidates(
      @ForAll float[] row, @ForAll @FloatRange(min = 0, max = 1) float p) {
    Candidates sorted = new Candidates(row.length);
    TopK.select(row, row.length, row.length, sorted);
    Candidates unsorted = new Candidates(row.length);
    unsorted.fill(row, row.length);

    TopP.apply(sorted, p);
    TopP.apply(unsorted, p);

    // The two add the same numbers in another order, which may count where a sum falls on p.
    assertThat(Math.abs(sorted.size() - unsorted.size())).isLessThanOrEqualTo(1);
  }

  @Example
  void shouldKeepAllAtOne() {
    Candidates candidates = new Candidates(3);
    candidates.fill(new float[] {1, -50, 2}, 3);
    TopP.apply(candidates, 1);
    assertThat(ids(candidates)).containsExactly(0, 1, 2);
  }

  @Example
  void shouldKeepTheMostLikelyAtZero() {
    Candidates candidates = new Candidates(4);
    candidates.fill(new float[] {1, 2, 2, -1}, 4);
    TopP.apply(candidates, 0);
    assertThat(ids(candidates)).containsExactly(1);
  }

  static double[] probabilities(float[] row) {
    double[] weights = new double[row.length];
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      weights[i] = StrictMath.exp(row[i]);
      sum += weights[i];
    }
    for (int i = 0; i < row.length; i++) {
      weights[i] /= sum;
    }
    return weights;
  }
}
