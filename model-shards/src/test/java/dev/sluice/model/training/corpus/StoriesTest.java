package dev.sluice.model.training.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class StoriesTest {
  @Property(tries = 1500)
  void shouldAcceptEveryStoryItWrites(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    Verdict verdict = Stories.judge(story.text());
    assertThat(verdict.keeps()).as("%s: %s", verdict.problem(), story.text()).isTrue();
    assertThat(story.words()).isBetween(Stories.MIN_WORDS, Stories.MAX_WORDS);
  }

  @Property(tries = 1000)
  void shouldObeyTheWish(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    StoryRequest request = StoryRequest.draw(random);
    String text = Stories.write(random, request.wish()).text();
    assertThat(Stories.judge(text, request.wish()).keeps()).as(request.text() + text).isTrue();
  }

  @Test
  void shouldRejectAStoryThatDisobeysTheWish() {
    Story story = Stories.write(Seeds.random(1, 1), new Wish("fox", "Pip", null, null));
    assertThat(Stories.judge(story.text(), new Wish("fox", "Moss", null, null)).keeps()).isFalse();
    assertThat(Stories.judge(story.text(), new Wish("hare", null, null, null)).keeps()).isFalse();
    assertThat(Stories.judge(story.text(), new Wish("fox", "Pip", null, null)).keeps()).isTrue();
  }

  @Test
  void shouldRefuseAWishThatNoStoryHas() {
    assertThatThrownBy(
            () -> Stories.write(Seeds.random(1, 1), new Wish("dragon", null, null, null)))
        .hasMessageContaining("dragon");
    assertThatThrownBy(() -> Stories.judge("", new Wish("girl", "Adam", null, null)))
        .hasMessageContaining("Adam");
  }

  @Property(tries = 750)
  void shouldRejectAnotherNameAtOnePlace(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    String hero = story.hero();
    String other = hero.equals("Anna") ? "Bella" : "Anna";
    assertRejected(story, replaceOne(story.text(), hero, other, seed));
  }

  @Property(tries = 750)
  void shouldRejectAnotherObjectAtOnePlace(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    String object = story.said(Slot.OBJECT);
    String other = object.equals("kite") ? "drum" : "kite";
    assertRejected(story, replaceOne(story.text(), object, other, seed));
  }

  @Property(tries = 750)
  void shouldRejectAnotherPronounAtOnePlace(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    boolean female = Grammar.shipped().female(story.hero());
    String mine = female ? "she" : "he";
    String others = female ? "he" : "she";
    String text = story.text();
    if (text.contains(" " + mine + " ")) {
      assertRejected(story, replaceOne(text, mine, others, seed));
    }
    if (text.contains(Template.capital(mine) + " ")) {
      assertRejected(
          story, replaceOne(text, Template.capital(mine), Template.capital(others), seed));
    }
  }

  @Property(tries = 750)
  void shouldRejectAMissingSentence(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    for (String name :
        List.of("opening", "wish", "obstacle", "helper", "help", "result", "feeling", "keeping")) {
      String without = story.text().replace(story.sentence(name), "").replace("  ", " ").strip();
      assertRejected(story, without);
    }
  }

  @Property(tries = 500)
  void shouldRejectHelpThatDoesNotFit(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    Story other = Stories.write(new SplittableRandom(seed + 1));
    Facts facts = story.facts();
    List<String> fitting = Grammar.shipped().domain(Slot.HELP, facts);
    if (!fitting.contains(other.facts().need(Slot.HELP))) {
      assertRejected(story, story.text().replace(story.said(Slot.HELP), other.said(Slot.HELP)));
    }
  }

  @Property(tries = 500)
  void shouldRejectSentencesInAnotherOrder(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Story story = Stories.write(random);
    List<String> names = new ArrayList<>(List.of("wish", "obstacle", "helper", "help", "result"));
    String first = story.sentence(names.remove(random.nextInt(names.size())));
    String second = story.sentence(names.remove(random.nextInt(names.size())));
    String swapped = story.text().replace(first, "#").replace(second, first).replace("#", second);
    assertRejected(story, swapped);
  }

  @Property(tries = 500)
  void shouldRejectAStoryThatEndsTooSoonOrGoesOn(@ForAll long seed) {
    Story story = Stories.write(new SplittableRandom(seed));
    int cut = story.text().indexOf(story.sentence("keeping"));
    assertRejected(story, story.text().substring(0, cut));
    assertRejected(story, story.text() + " Then it rained.");
  }

  @Test
  void shouldSayWhereAndWhatIsWrong() {
    String text =
        "Once upon a time, a kind fox named Pip lived in a den by the river."
            + " She wanted a red drum more than anything.";
    Verdict verdict = Stories.judge(text);
    assertThat(verdict.sentence()).isEqualTo(2);
    assertThat(verdict.problem()).contains("expected 'He").contains("'She wanted");
    assertThat(Stories.judge("").sentence()).isEqualTo(1);
    assertThat(Stories.judge("x".repeat(5000)).keeps()).isFalse();
  }

  @Test
  void shouldNeverWriteTheSameTwice() {
    int count = 200_000;
    Set<Long> hashes =
        IntStream.range(0, count)
            .parallel()
            .mapToObj(i -> Stories.write(Seeds.random(7, i)).text())
            .map(
                text ->
                    Seeds.mix(text.hashCode())
                        ^ new StringBuilder(text).reverse().toString().hashCode())
            .collect(Collectors.toSet());
    assertThat(hashes).hasSize(count);
  }

  @Test
  void shouldKnowFiveHundredWords() {
    Set<String> words = new HashSet<>();
    for (int i = 0; i < 5000; i++) {
      String text = Stories.write(Seeds.random(3, i)).text().toLowerCase(Locale.ROOT);
      words.addAll(Arrays.asList(text.split("[^a-z]+")));
    }
    assertThat(words).hasSizeGreaterThan(500);
  }

  private static void assertRejected(Story story, String changed) {
    assertThat(changed).isNotEqualTo(story.text());
    assertThat(Stories.judge(changed).keeps()).as("%s%nfrom%n%s", changed, story.text()).isFalse();
  }

  private static String replaceOne(String text, String word, String other, long seed) {
    List<Integer> places = new ArrayList<>();
    Matcher matcher = Pattern.compile("\\b" + word + "\\b").matcher(text);
    while (matcher.find()) {
      places.add(matcher.start());
    }
    int at = places.get((int) Math.floorMod(seed, (long) places.size()));
    return text.substring(0, at) + other + text.substring(at + word.length());
  }
}
