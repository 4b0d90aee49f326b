package dev.sluice.model.training.corpus;

import java.util.List;
import java.util.SplittableRandom;

/**
 * A user asking for a story.
 *
 * @param text what the user says
 * @param wish what the story must obey
 */
public record StoryRequest(String text, Wish wish) {
  private static final List<String> ANY =
      List.of(
          "Tell me a story.",
          "Please tell me a story.",
          "Write a short story.",
          "Can you tell me a story?",
          "I would like to hear a story.");
  private static final List<String> ABOUT =
      List.of(
          "Tell me a story about ",
          "Please tell me a story about ",
          "Write a short story about ",
          "I would like to hear a story about ");

  /** Draws a request: for any story, about somebody, about an object, or about both. */
  public static StoryRequest draw(SplittableRandom random) {
    if (random.nextInt(3) == 0) {
      return new StoryRequest(one(ANY, random), Wish.ANY);
    }
    Grammar grammar = Grammar.shipped();
    Facts facts = new Facts();
    String kind = one(grammar.domain(Slot.KIND, facts), random);
    facts.put(Slot.KIND, kind);
    String hero = one(grammar.domain(Slot.HERO, facts), random);
    String look = one(grammar.domain(Slot.LOOK, facts), random);
    String object = one(grammar.domain(Slot.OBJECT, facts), random);
    String about = one(ABOUT, random);
    String who = Template.article(kind) + kind;
    return switch (random.nextInt(5)) {
      case 0 -> new StoryRequest(about + who + ".", new Wish(kind, null, null, null));
      case 1 ->
          new StoryRequest(about + who + " named " + hero + ".", new Wish(kind, hero, null, null));
      case 2 ->
          new StoryRequest(
              about + who + " who wanted " + Template.article(object) + object + ".",
              new Wish(kind, null, null, object));
      case 3 ->
          new StoryRequest(
              about + Template.article(look) + look + " " + object + ".",
              new Wish(null, null, look, object));
      default ->
          new StoryRequest(
              about
                  + who
                  + " named "
                  + hero
                  + " who wanted "
                  + Template.article(look)
                  + look
                  + " "
                  + object
                  + ".",
              new Wish(kind, hero, look, object));
    };
  }

  private static String one(List<String> values, SplittableRandom random) {
    return values.get(random.nextInt(values.size()));
  }
}
