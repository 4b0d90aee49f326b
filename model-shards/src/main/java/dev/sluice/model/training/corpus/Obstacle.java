package dev.sluice.model.training.corpus;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What stands between hero and object, and who can help how.
 *
 * @param name its name in the grammar
 * @param spots where the object is
 * @param reasons why the hero cannot get it
 * @param tries what the hero does in vain
 * @param helps what a helper of each class can do
 */
record Obstacle(
    String name,
    List<String> spots,
    List<String> reasons,
    List<String> tries,
    Map<HelperClass, List<Help>> helps) {
  /** What a helper does, and what comes of it. */
  record Help(String deed, String result) {}

  /** What helpers can do: each has a list of kinds in the grammar. */
  enum HelperClass {
    PERSON,
    BIG,
    BIRD,
    SWIMMING,
    CLIMBING
  }

  static Obstacle parse(String name, List<String> lines) {
    List<String> spots = List.of();
    List<String> reasons = List.of();
    List<String> tries = List.of();
    Map<HelperClass, List<Help>> helps = new EnumMap<>(HelperClass.class);
    for (String line : lines) {
      int colon = line.indexOf(':');
      String head = line.substring(0, colon);
      String rest = line.substring(colon + 1).strip();
      switch (head) {
        case "spot" -> spots = GrammarText.values(rest);
        case "reason" -> reasons = GrammarText.values(rest);
        case "try" -> tries = GrammarText.values(rest);
        default -> {
          String helper = head.substring("help ".length()).toUpperCase(Locale.ROOT);
          int arrow = rest.indexOf('>');
          helps
              .computeIfAbsent(HelperClass.valueOf(helper), _ -> new ArrayList<>())
              .add(new Help(rest.substring(0, arrow).strip(), rest.substring(arrow + 1).strip()));
        }
      }
    }
    return new Obstacle(name, spots, reasons, tries, helps);
  }
}
