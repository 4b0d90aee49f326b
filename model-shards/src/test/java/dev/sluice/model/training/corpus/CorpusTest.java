package dev.sluice.model.training.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.model.training.corpus.Additions.Addition;
import dev.sluice.model.training.corpus.Corpus.Kind;
import dev.sluice.model.training.corpus.Document.Chat;
import dev.sluice.model.training.corpus.Document.Message;
import dev.sluice.model.training.corpus.Document.Text;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CorpusTest {
  private static final Pattern SUM = Pattern.compile("(\\d+) \\+ (\\d+)(?= =|\\?|\\.)");

  @Property(tries = 2000)
  void shouldAnswerInWordsOfTheStory(@ForAll long seed) {
    Story story = Stories.write(Seeds.random(seed, 0));
    for (Question question : Questions.ask(story, 8, Seeds.random(seed, 1))) {
      assertThat(story.text()).contains(question.evidence());
      assertThat(question.evidence()).containsIgnoringCase(question.answer());
      assertThat(question.answer().split(" ", -1).length).isBetween(1, 7);
      assertThat(Questions.right(question, question.answer())).isTrue();
      assertThat(Questions.right(question, question.worked())).isTrue();
      assertThat(Questions.right(question, "an elephant")).isFalse();
    }
  }

  @Test
  void shouldForgiveCaseArticlesAndTheDot() {
    Question question = new Question(Questions.Kind.WISH, "What?", "a red kite", "");
    assertThat(List.of("A red kite.", "the red kite", "Red  kite!"))
        .allMatch(answer -> Questions.right(question, answer));
    assertThat(List.of("a kite", "a red kite and a drum", ""))
        .noneMatch(answer -> Questions.right(question, answer));
  }

  @Property
  void shouldWorkOutTheSum(@ForAll @IntRange(max = 999) int a, @ForAll @IntRange(max = 999) int b) {
    Addition addition = new Addition(a, b);
    assertThat(Additions.right(addition, addition.worked())).isTrue();
    assertThat(Additions.right(addition, "It is " + (a + b) + ".")).isTrue();
    assertThat(Additions.right(addition, "It is " + (a + b + 1) + ".")).isFalse();
    assertThat(Additions.right(addition, "no number")).isFalse();
    Matcher steps =
        Pattern.compile("(\\d)((?: \\+ \\d)+) = (\\d+), write (\\d), carry (\\d)\\.")
            .matcher(addition.worked());
    int places = 0;
    while (steps.find()) {
      int sum = Integer.parseInt(steps.group(1));
      for (String digit : steps.group(2).replace(" ", "").substring(1).split("\\+", -1)) {
        sum += Integer.parseInt(digit);
      }
      assertThat(steps.group(3)).isEqualTo(String.valueOf(sum));
      assertThat(steps.group(4)).isEqualTo(String.valueOf(sum % 10));
      assertThat(steps.group(5)).isEqualTo(String.valueOf(sum / 10));
      places++;
    }
    assertThat(places).isEqualTo(String.valueOf(Math.max(a, b)).length());
  }

  @Test
  void shouldWriteTheWorkingAsPeopleDo() {
    assertThat(new Addition(347, 285).worked())
        .isEqualTo(
            "Ones: 7 + 5 = 12, write 2, carry 1. Tens: 4 + 8 + 1 = 13, write 3, carry 1."
                + " Hundreds: 3 + 2 + 1 = 6, write 6, carry 0. So 347 + 285 = 632.");
  }

  @Test
  void shouldKeepHeldOutPairsFromTraining() {
    assertThat(additionsOf(5)).isNotEmpty().noneMatch(CorpusTest::heldOut);
    assertThat(additionsOf(Seeds.FIRST_HELD_OUT)).isNotEmpty().allMatch(CorpusTest::heldOut);
  }

  private static boolean heldOut(Addition addition) {
    return Additions.heldOut(addition.a(), addition.b());
  }

  private static List<Addition> additionsOf(long seed) {
    return IntStream.range(0, 3000)
        .mapToObj(i -> Corpus.document(seed, i, Kind.MIX))
        .map(CorpusTest::textOf)
        .flatMap(text -> SUM.matcher(text).results())
        // the steps of the working add digits
        .filter(sum -> sum.group(1).length() > 1 || sum.group(2).length() > 1)
        .map(sum -> new Addition(Integer.parseInt(sum.group(1)), Integer.parseInt(sum.group(2))))
        .toList();
  }

  private static String textOf(Document document) {
    return switch (document) {
      case Text(String text) -> text;
      case Chat chat -> String.join("\n", chat.messages().stream().map(Message::content).toList());
    };
  }

  @Property(tries = 500)
  void shouldDependOnSeedIndexAndKindAlone(@ForAll long seed, @ForAll Kind kind) {
    Document once = Corpus.document(seed, 3, kind);
    assertThat(Corpus.document(seed, 3, kind)).isEqualTo(once);
    assertThat(Corpus.document(seed, 4, kind)).isNotEqualTo(once);
    assertThat(once.tokens()).isBetween(1L, 2000L);
  }

  @Test
  void shouldMixTheSorts() {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 4000; i++) {
      String text = textOf(Corpus.document(9, i, Kind.TEXT));
      String sort =
          text.contains("write ") || text.matches("[0-9][^a-z]*")
              ? "additions"
              : text.contains("Question: ") ? "questions" : "stories";
      counts.merge(sort, 1, Integer::sum);
    }
    assertThat(counts.get("stories")).isBetween(850, 1150);
    assertThat(counts.get("questions")).isBetween(1850, 2150);
  }

  @Property(tries = 500)
  void shouldTakeTurnsInChats(@ForAll long seed) {
    if (Corpus.document(seed, 0, Kind.CHAT) instanceof Chat(List<Message> messages)) {
      List<String> roles = messages.stream().map(Message::role).toList();
      List<String> turns =
          roles.getFirst().equals("system") ? roles.subList(1, roles.size()) : roles;
      for (int i = 0; i < turns.size(); i++) {
        assertThat(turns.get(i)).isEqualTo(i % 2 == 0 ? "user" : "assistant");
      }
      assertThat(turns.size() % 2).isZero();
    } else {
      throw new AssertionError("no chat");
    }
  }
}
