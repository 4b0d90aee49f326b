package dev.sluice.model.training.corpus;

import org.jspecify.annotations.Nullable;

/**
 * What somebody asked a story to be about. Null leaves it open.
 *
 * @param kind what the hero is, such as {@code fox}
 * @param hero the hero's name
 * @param look how the object looks; only with an object
 * @param object what the hero wants
 */
public record Wish(
    @Nullable String kind, @Nullable String hero, @Nullable String look, @Nullable String object) {
  /** Any story will do. */
  public static final Wish ANY = new Wish(null, null, null, null);

  /** What the story must say, before its first sentence. */
  Facts facts() {
    Facts facts = new Facts();
    put(facts, Slot.KIND, kind);
    put(facts, Slot.HERO, hero);
    put(facts, Slot.LOOK, look);
    put(facts, Slot.OBJECT, object);
    return facts;
  }

  private static void put(Facts facts, Slot slot, @Nullable String value) {
    if (value != null) {
      facts.put(slot, value);
    }
  }
}
