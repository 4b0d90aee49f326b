package dev.sluice.ops.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Intervals, votes, scores: what the numbers of an evaluation are made of. */
class CountingTest {
  @Test
  void shouldGiveWilsonsInterval() {
    // Newcombe 1998, table I: 81 of 263, 15 of 148, none of 20
    assertInterval(Interval.ofShare(81, 263), 0.2553, 0.3662);
    assertInterval(Interval.ofShare(15, 148), 0.0624, 0.1605);
    assertInterval(Interval.ofShare(0, 20), 0, 0.1611);
  }

  @Property
  void shouldHoldTheShareInItsInterval(
      @ForAll @IntRange(min = 1, max = 5000) int trials, @ForAll @IntRange(max = 100) int percent) {
    int right = (int) ((long) trials * percent / 100);
    Interval interval = Interval.ofShare(right, trials);
    double share = (double) right / trials;
    assertThat(interval.low()).isBetween(0.0, share + 1e-12);
    assertThat(interval.high()).isBetween(share - 1e-12, 1.0);
  }

  @Test
  void shouldRefuseMoreRightThanTrials() {
    assertThatThrownBy(() -> Interval.ofShare(2, 1)).hasMessageContaining("2 right of 1");
    assertThatThrownBy(() -> Interval.ofShare(0, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  private static void assertInterval(Interval interval, double low, double high) {
    assertThat(interval.low()).isCloseTo(low, within(1e-4));
    assertThat(interval.high()).isCloseTo(high, within(1e-4));
  }

  @Test
  void shouldCountWhatMostAnswersComeTo() {
    assertThat(Votes.winner(List.of("A 1", "b 2", "B 2", "c"), LETTERS)).isEqualTo("b 2");
    assertThat(Votes.winner(List.of("a", "b"), LETTERS)).as("the first of equals").isEqualTo("a");
    assertThat(Votes.winner(List.of("", "", "b"), LETTERS)).as("silence").isEqualTo("b");
    assertThat(Votes.winner(List.of("", ""), LETTERS)).isEmpty();
  }

  /** Answers come to their first letter. */
  private static final Item.Judge LETTERS =
      new Item.Judge() {
        @Override
        public boolean right(String answer) {
          return answer.startsWith("b");
        }

        @Override
        public String vote(String answer) {
          return answer.isEmpty() ? "" : answer.substring(0, 1).toLowerCase(Locale.ROOT);
        }

        @Override
        public String correction(String answer) {
          return "b";
        }
      };

  @Test
  void shouldWeighTextsByTheirTokens() {
    Score score = Score.of(-2, 2).plus(Score.of(-8, 4)).plus(Score.NONE);
    Outcome.Likelihood text = score.likelihood("text");
    assertThat(text.tokens()).isEqualTo(6);
    assertThat(text.loss()).isCloseTo(10.0 / 6, within(1e-12));
    assertThat(text.perplexity()).isCloseTo(Math.exp(10.0 / 6), within(1e-12));
    // residuals of the ratio: -2 + 2·5/3 = 4/3 and -8 + 4·5/3 = -4/3
    assertThat(text.variance()).isCloseTo(2.0 / 1 * (2 * 16.0 / 9) / 36, within(1e-12));
    assertThat(text.interval().low()).isLessThan(text.perplexity());
    assertThat(text.interval().high()).isGreaterThan(text.perplexity());
  }

  @Test
  void shouldKnowNoSpreadOfOneText() {
    assertThat(Score.of(-3, 3).likelihood("text").variance()).isNaN();
  }

  @Test
  void shouldHaveNoSpreadWhereAllTokensAreAlike() {
    Score score = Score.of(-2, 2).plus(Score.of(-5, 5)).plus(Score.of(-1, 1));
    assertThat(score.likelihood("text").variance()).isCloseTo(0, within(1e-15));
  }
}
