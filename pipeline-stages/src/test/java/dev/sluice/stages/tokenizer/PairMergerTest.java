package dev.sluice.stages.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PairMergerTest {

  /** Joins tokens a and b by a rule that depends on a seed alone; the joined token is new. */
  private record Rules(int seed, int kinds, int priorities) implements PairMerger.Pairs {
    @Override
    public int find(int left, int right, int from, int to) {
      int mixed = ((seed * 31 + left) * 31 + right) * 0x9E3779B1;
      mixed ^= mixed >>> 16;
      // About half of all pairs can be joined.
      return (mixed & 1) == 0 ? NONE : Math.floorMod(mixed >> 1, kinds * priorities);
    }

    @Override
    public int priority(int pair) {
      return pair / kinds;
    }

    @Override
    public int token(int pair) {
      return pair % kinds;
    }
  }

  @Property(tries = 2000)
  void shouldJoinAsTheNaiveWayDoes(
      @ForAll @Size(max = 40) List<@IntRange(min = 0, max = 4) Integer> tokens,
      @ForAll int seed,
      @ForAll @IntRange(min = 1, max = 9) int priorities) {
    Rules rules = new Rules(seed, 5, priorities);
    PairMerger merger = new PairMerger();
    for (int i = 0; i < tokens.size(); i++) {
      merger.add(tokens.get(i), i);
    }
    merger.merge(rules, tokens.size());
    List<Integer> joined = new ArrayList<>();
    for (int s = merger.first(); s >= 0; s = merger.next(s)) {
      joined.add(merger.token(s));
    }
    assertThat(joined).isEqualTo(naive(tokens, rules));
  }

  /** The best pair of all, the leftmost of equals, again and again. */
  private static List<Integer> naive(List<Integer> tokens, Rules rules) {
    List<Integer> left = new ArrayList<>(tokens);
    while (true) {
      int best = -1;
      int pair = PairMerger.Pairs.NONE;
      for (int i = 0; i + 1 < left.size(); i++) {
        int found = rules.find(left.get(i), left.get(i + 1), 0, 0);
        if (found != PairMerger.Pairs.NONE
            && (best < 0 || rules.priority(found) < rules.priority(pair))) {
          best = i;
          pair = found;
        }
      }
      if (best < 0) {
        return left;
      }
      left.set(best, rules.token(pair));
      left.remove(/* index */ best + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void shouldTakeStepsInProportionToTheText(int seed) {
    Rules rules = new Rules(seed, 50, 1000);
    long small = steps(rules, 1 << 12);
    long large = steps(rules, 1 << 16);
    // Sixteen times the text: a little more than sixteen times the steps, by the heap's logarithm.
    assertThat(large).isLessThan(Math.max(1, small) * 16 * 3);
    assertThat(large).isLessThan(3L * 17 * (1 << 16));
  }

  private static long steps(Rules rules, int length) {
    PairMerger merger = new PairMerger();
    for (int i = 0; i < length; i++) {
      merger.add(i * 7 % 50, i);
    }
    merger.merge(rules, length);
    return merger.steps();
  }
}
