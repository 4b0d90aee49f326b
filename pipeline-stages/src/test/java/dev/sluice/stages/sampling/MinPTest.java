package dev.sluice.stages.sampling;

import static dev.sluice.stages.sampling.TopKTest.ids;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

class MinPTest {
  @Property
  @Domain(RowArbitraries.class)
  @Domain(DomainContext.Global.class)
  void shouldKeepThoseWithTheShareOfTheMostLikely(
      @ForAll float[] row, @ForAll @FloatRange(min = 0.01f, max = 1) float share) {
    Candidates candidates = new Candidates(row.length);
    candidates.fill(row, row.length);

    MinP.apply(candidates, share);

    double[] probabilities = TopPTest.probabilities(row);
    double most =
        IntStream.range(0, row.length).mapToDouble(i -> probabilities[i]).max().orElseThrow();
    int[] kept = ids(candidates);
    assertThat(kept).isSorted();
    for (int i = 0; i < row.length; i++) {
      int id = i;
      double ratio = probabilities[id] / most;
      if (ratio > share * (1 + 1e-9)) {
        assertThat(kept).contains(id);
      } else if (ratio < share * (1 - 1e-9)) {
        assertThat(kept).doesNotContain(id);
      }
    }
  }

  @Example
  void shouldKeepAllTheMostLikelyAtOneAndEverythingAtZero() {
    Candidates candidates = new Candidates(4);
    candidates.fill(new float[] {3, 1, 3, -40}, 4);
    MinP.apply(candidates, 0);
    assertThat(ids(candidates)).containsExactly(0, 1, 2, 3);
    MinP.apply(candidates, 1);
    assertThat(ids(candidates)).containsExactly(0, 2);
  }
}
