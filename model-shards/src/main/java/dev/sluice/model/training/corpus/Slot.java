package dev.sluice.model.training.corpus;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a story leaves open; filled at its first mention, the same ever after. */
enum Slot {
  TRAIT("traits"),
  KIND(null),
  HERO(null),
  HOUSE(null),
  LANDMARK("landmarks"),
  LOOK("looks"),
  OBJECT("objects"),
  RELATIVE("relatives"),
  EVENT("events"),
  WEATHER("weathers"),
  DAYTIME("daytimes"),
  SPOT(null),
  REASON(null),
  TRY(null),
  FLOP("flops"),
  SIGH("sighs"),
  GLOOM("glooms"),
  MANNER("manners"),
  HELPER_KIND(null),
  HELPER(null),
  WAY("ways"),
  HELP(null),
  RESULT(null),
  FEELING("feelings"),
  JOY("joys"),
  KEEPING(null),
  LESSON("lessons");

  private static final Map<String, Slot> BY_NAME = new HashMap<>();

  static {
    for (Slot slot : values()) {
      BY_NAME.put(slot.name(), slot);
    }
  }

  private final @Nullable String list;

  Slot(@Nullable String list) {
    this.list = list;
  }

  /** The list that its values come from; null where they depend on what was said before. */
  @Nullable String list() {
    return list;
  }

  /** Its name as people write it. */
  String words() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  static @Nullable Slot named(String name) {
    return BY_NAME.get(name);
  }
}
