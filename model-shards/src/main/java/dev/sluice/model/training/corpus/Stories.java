package dev.sluice.model.training.corpus;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Short stories of a mill, a river, animals and people: who and where, a wish, an obstacle, a try
 * in vain, somebody who helps, an end. One grammar writes them and judges them.
 *
 * <p>A story has {@value #MIN_WORDS} to {@value #MAX_WORDS} words. Static, for any thread.
 */
public final class Stories {
  static final int MIN_WORDS = 60;
  static final int MAX_WORDS = 110;

  /** A text longer than this is no story of ours; reading it would only take time. */
  private static final int MAX_CHARACTERS = 4096;

  private static final int ATTEMPTS = 1000;

  private Stories() {}

  /** Writes any story. */
  public static Story write(SplittableRandom random) {
    return write(random, Wish.ANY);
  }

  /**
   * Writes a story that obeys a wish.
   *
   * @throws IllegalArgumentException when the wish names what no story has
   */
  public static Story write(SplittableRandom random, Wish wish) {
    Facts facts = checked(wish);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Story story = StoryWriter.write(Grammar.shipped(), facts, random);
      if (story.words() >= MIN_WORDS && story.words() <= MAX_WORDS) {
        return story;
      }
    }
    throw new IllegalStateException("the grammar has no story of this length");
  }

  private static Facts checked(Wish wish) {
    Facts wished = wish.facts();
    Facts facts = new Facts();
    for (Slot slot : List.of(Slot.KIND, Slot.HERO, Slot.LOOK, Slot.OBJECT)) {
      String value = wished.get(slot);
      if (value != null) {
        if (!Grammar.shipped().domain(slot, facts).contains(value)) {
          throw new IllegalArgumentException("no story has the " + slot.words() + " " + value);
        }
        facts.put(slot, value);
      }
    }
    return facts;
  }

  /** Judges a text, without white space around it. */
  public static Verdict judge(String text) {
    return judge(text, Wish.ANY);
  }

  /** Judges whether a text is a story that obeys a wish. */
  public static Verdict judge(String text, Wish wish) {
    String story = text.strip();
    if (story.length() > MAX_CHARACTERS) {
      return Verdict.breaks(1, "longer than any story");
    }
    return new StoryMatcher(Grammar.shipped(), story, checked(wish)).judge();
  }
}
