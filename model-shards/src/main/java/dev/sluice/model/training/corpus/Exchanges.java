package dev.sluice.model.training.corpus;

import dev.sluice.model.training.corpus.Additions.Addition;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The exchanges that chats are made of, for training and for measuring alike. */
public final class Exchanges {
  /** What a user adds who wants to see how the answer is found. */
  public static final String STEP_BY_STEP = " Think step by step.";

  private static final List<String> SUMS =
      List.of("What is %s?", "What is %s?", "How much is %s?", "%s = ?", "Add %s.");

  private Exchanges() {}

  /** A story for a request. */
  public static Exchange story(StoryRequest request, SplittableRandom random) {
    return new Exchange(request.text(), Stories.write(random, request.wish()).text());
  }

  /** A question about a story that the user tells first. */
  public static Exchange question(Story story, Question question, boolean worked) {
    Exchange asked = question(question, worked);
    return new Exchange(story.text() + "\n\n" + asked.user(), asked.assistant());
  }

  /** A question about a story that was told before. */
  public static Exchange question(Question question, boolean worked) {
    return worked
        ? new Exchange(question.text() + STEP_BY_STEP, question.worked())
        : new Exchange(question.text(), question.answer());
  }

  /** An addition, in the first phrasing. */
  public static Exchange addition(Addition addition, boolean worked) {
    return addition(SUMS.getFirst(), addition, worked);
  }

  /** An addition, in one of several phrasings. */
  static Exchange addition(Addition addition, boolean worked, SplittableRandom random) {
    return addition(SUMS.get(random.nextInt(SUMS.size())), addition, worked);
  }

  private static Exchange addition(String phrasing, Addition addition, boolean worked) {
    String text = phrasing.replace("%s", addition.text());
    return worked
        ? new Exchange(text + STEP_BY_STEP, addition.worked())
        : new Exchange(text, String.valueOf(addition.sum()));
  }

  /** A story told by the user, with questions about it, one an exchange. */
  static List<Exchange> questions(int count, int workedOfTen, SplittableRandom random) {
    Story story = Stories.write(random);
    List<Exchange> exchanges = new ArrayList<>();
    for (Question question : Questions.ask(story, count, random)) {
      boolean worked = random.nextInt(10) < workedOfTen;
      exchanges.add(
          exchanges.isEmpty() ? question(story, question, worked) : question(question, worked));
    }
    return exchanges;
  }
}
