package dev.sluice.model.training.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Questions about a story whose answers are in it, word by word. */
public final class Questions {
  /** What comes before the answer where the reasoning is written out. */
  static final String CONCLUSION = "So the answer is: ";

  private Questions() {}

  /** What a question can ask for. */
  public enum Kind {
    /** The hero's name. */
    HERO(
        "opening",
        Slot.HERO,
        "Who is the story about? | What is the name of the hero? | Who is the hero of the story?"),
    /** Where the hero lives. */
    HOME(
        "opening",
        Slot.HOUSE,
        "Where did {HERO} live? | Where was the home of {HERO}? | In which place did {HERO} live?"),
    /** The object. */
    WISH(
        "wish",
        Slot.OBJECT,
        "What did {HERO} want? | What did {HERO} wish for? | Which thing did {HERO} want to have?"),
    /** Where the object was. */
    SPOT(
        "obstacle",
        Slot.SPOT,
        "Where was the {OBJECT}? | Where did {HERO} find the {OBJECT}?"
            + " | In which place was the {OBJECT}?"),
    /** Why the hero could not get it. */
    TROUBLE(
        "obstacle",
        Slot.REASON,
        "What stood in the way? | Why could {HERO} not get the {OBJECT}? | What was the trouble?"),
    /** The helper's name. */
    HELPER(
        "helper",
        Slot.HELPER,
        "Who helped {HERO}? | Who came to help {HERO}? | What is the name of the helper?"),
    /** What the helper did. */
    HELP(
        "help",
        Slot.HELP,
        "How did {HELPER} help {HERO}? | What did {HELPER} do to help?"
            + " | In which way did {HELPER} help?"),
    /** The feeling at the end. */
    FEELING(
        "feeling",
        Slot.FEELING,
        "How did {HERO} feel at the end? | How was {HERO} in the end?"
            + " | What did {HERO} feel at the end?");

    private final String sentence;
    private final Slot slot;
    private final String phrasings;

    Kind(String sentence, Slot slot, String phrasings) {
      this.sentence = sentence;
      this.slot = slot;
      this.phrasings = phrasings;
    }
  }

  /** Asks a story for something, in one of several phrasings. */
  public static Question ask(Story story, Kind kind, SplittableRandom random) {
    List<String> phrasings = GrammarText.values(kind.phrasings);
    Template phrasing = Template.parse(phrasings.get(random.nextInt(phrasings.size())));
    return new Question(
        kind, story.fill(phrasing), answer(story, kind), story.sentence(kind.sentence));
  }

  /** Asks a story for several different things. */
  public static List<Question> ask(Story story, int count, SplittableRandom random) {
    List<Kind> kinds = new ArrayList<>(List.of(Kind.values()));
    List<Question> questions = new ArrayList<>();
    while (questions.size() < count && !kinds.isEmpty()) {
      Kind kind = kinds.remove(random.nextInt(kinds.size()));
      questions.add(ask(story, kind, random));
    }
    return questions;
  }

  private static String answer(Story story, Kind kind) {
    return switch (kind) {
      case HOME -> "in " + withArticle(story.said(Slot.HOUSE)) + " " + story.said(Slot.LANDMARK);
      case WISH -> withArticle(story.said(Slot.LOOK)) + " " + story.said(Slot.OBJECT);
      case HERO, SPOT, TROUBLE, HELPER, HELP, FEELING -> story.said(kind.slot);
    };
  }

  private static String withArticle(String word) {
    return Template.article(word) + word;
  }

  /**
   * Whether an answer is right. Case, articles and punctuation at the end do not matter, nor what
   * is said before {@code So the answer is:}.
   */
  public static boolean right(Question question, String answer) {
    return normal(answer).equals(normal(question.answer()));
  }

  /** What an answer comes to, without the reasoning before it; for comparing answers. */
  public static String normal(String answer) {
    String words =
        concluded(answer).toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]+", " ").strip();
    return words.replaceAll("\\b(?:a|an|the) ", "");
  }

  private static String concluded(String answer) {
    int conclusion = answer.lastIndexOf(CONCLUSION);
    return conclusion < 0 ? answer : answer.substring(conclusion + CONCLUSION.length());
  }
}
