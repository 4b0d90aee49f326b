package dev.sluice.stages.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;

class TopKTest {
  @Property
  @Domain(RowArbitraries.class)
  @Domain(net.jqwik.api.domains.DomainContext.Global.class)
  void shouldEqualTheBeginningOfASort(
      @ForAll float[] row, @ForAll @IntRange(min = 1, max = 70) int k) {
    float[] before = row.clone();
    Candidates candidates = new Candidates(k);

    TopK.select(row, row.length, k, candidates);

    int[] expected = sorted(row).limit(k).toArray();
    assertThat(ids(candidates)).isEqualTo(expected);
    assertThat(candidates.sorted()).isTrue();
    assertThat(row).isEqualTo(before);
    for (int i = 0; i < candidates.size(); i++) {
      assertThat(candidates.logit(i)).isEqualTo(row[candidates.id(i)]);
    }
  }

  @Example
  void shouldLeaveOutBannedTokens() {
    float banned = Float.NEGATIVE_INFINITY;
    Candidates candidates = new Candidates(3);
    TopK.select(new float[] {banned, 1, banned, 2, banned}, 5, 3, candidates);
    assertThat(ids(candidates)).containsExactly(3, 1);
    TopK.select(new float[] {banned, banned}, 2, 2, candidates);
    assertThat(candidates.size()).isZero();
  }

  static IntStream sorted(float[] row) {
    return IntStream.range(0, row.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -row[i]).thenComparing(i -> i))
        .mapToInt(i -> i);
  }

  static int[] ids(Candidates candidates) {
    return Arrays.copyOf(candidates.ids, candidates.size());
  }
}
