package dev.sluice.ops.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.model.training.corpus.Additions;
import dev.sluice.model.training.corpus.Exchange;
import dev.sluice.model.training.corpus.Seeds;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class ItemsTest {
  private static final Pattern SUM = Pattern.compile("([0-9]+) \\+ ([0-9]+)");

  @ParameterizedTest
  @EnumSource(value = EvalTask.class, mode = Mode.EXCLUDE, names = "PERPLEXITY")
  void shouldTakeItsOwnAnswersForRight(EvalTask task) {
    for (boolean worked : new boolean[] {false, true}) {
      Items items = new Items(task, plan(worked, 0, false, false), true);
      for (int i = 0; i < 200; i++) {
        Item item = items.item(i);
        String answer = item.asked().assistant();
        assertThat(item.judge().right(answer)).as(item.toString()).isTrue();
        assertThat(item.judge().right("nothing")).isFalse();
        assertThat(item.judge().vote(answer)).isNotEmpty();
        assertThat(item.judge().correction("nothing")).isNotEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = EvalTask.class, mode = Mode.EXCLUDE, names = "PERPLEXITY")
  void shouldGiveTheSameItemsForTheSameSeed(EvalTask task) {
    Items once = new Items(task, plan(false, 3, true, true), true);
    Items again = new Items(task, plan(false, 3, true, true), true);
    for (int i = 20; i >= 0; i--) {
      assertThat(once.item(i).asked()).isEqualTo(again.item(i).asked());
      assertThat(once.item(i).shots()).isEqualTo(again.item(i).shots());
      assertThat(once.item(i).asked()).isNotEqualTo(again.item(i + 1).asked());
    }
  }

  @Test
  void shouldAskWhatNoTrainingHasSeen() {
    Items items = new Items(EvalTask.ADDITIONS, plan(false, 4, false, false), true);
    for (int i = 0; i < 300; i++) {
      Item item = items.item(i);
      assertThat(heldOut(item.asked())).isTrue();
      assertThat(item.shots()).noneMatch(ItemsTest::heldOut);
      assertThat(item.asked().user()).matches("What is [1-9][0-9]{2} \\+ [1-9][0-9]{2}\\?");
    }
  }

  private static boolean heldOut(Exchange exchange) {
    Matcher sum = SUM.matcher(exchange.user());
    assertThat(sum.find()).isTrue();
    return Additions.heldOut(Integer.parseInt(sum.group(1)), Integer.parseInt(sum.group(2)));
  }

  @Test
  void shouldShuffleShotsOrTheirLabelsOnRequest() {
    List<Exchange> plain = shots(false, false, 0);
    assertThat(shots(false, false, 7)).as("the same for all items").isEqualTo(plain);
    Set<List<Exchange>> orders = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      List<Exchange> shuffled = shots(true, false, i);
      assertThat(shuffled).containsExactlyInAnyOrderElementsOf(plain);
      orders.add(shuffled);
    }
    assertThat(orders).hasSizeGreaterThan(5);
    List<Exchange> mixed = shots(false, true, 0);
    for (int i = 0; i < plain.size(); i++) {
      assertThat(mixed.get(i).user()).isEqualTo(plain.get(i).user());
      assertThat(mixed.get(i).assistant()).isNotEqualTo(plain.get(i).assistant());
    }
    assertThat(mixed.stream().map(Exchange::assistant))
        .containsExactlyInAnyOrderElementsOf(plain.stream().map(Exchange::assistant).toList());
  }

  private static List<Exchange> shots(boolean order, boolean labels, int item) {
    return new Items(EvalTask.ADDITIONS, plan(false, 5, order, labels), true).item(item).shots();
  }

  @Test
  void shouldDrawEachAnswerWithASeedOfItsOwn() {
    Items items = new Items(EvalTask.ADDITIONS, plan(false, 0, false, false), true);
    Set<Long> seeds = new HashSet<>();
    for (int item = 0; item < 50; item++) {
      for (int sample = 0; sample < 50; sample++) {
        seeds.add(items.drawSeed(item, sample));
      }
    }
    assertThat(seeds).hasSize(2500);
  }

  @Test
  void shouldRefuseWhatIsOutOfItsLimits() {
    assertThatThrownBy(() -> new EvalPlan(0, 1, false, 0, false, false, 1))
        .hasMessageContaining("-n 0");
    assertThatThrownBy(() -> new EvalPlan(1, 1, false, 33, false, false, 1))
        .hasMessageContaining("--shots 33");
    assertThatThrownBy(() -> new EvalPlan(1, 1, false, 0, false, false, 0))
        .hasMessageContaining("--samples 0");
    assertThatThrownBy(() -> new EvalPlan(1, 1, false, 1, false, true, 1))
        .hasMessageContaining("--shuffle-labels");
  }

  private static EvalPlan plan(boolean worked, int shots, boolean order, boolean labels) {
    return new EvalPlan(100, Seeds.FIRST_HELD_OUT, worked, shots, order, labels, 1);
  }
}
