package dev.sluice.model.training.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A piece of text with holes: {@code {SLOT}}, {@code {a SLOT}} with its article, a pronoun of the
 * hero ({@code {he}}, {@code {him}}, {@code {his}}); {@code ^} begins a sentence.
 */
record Template(List<Part> parts) {
  /** Text, or a hole. */
  sealed interface Part {}

  /** Text as it is. */
  record Literal(String text) implements Part {}

  /** A word about the hero that depends on the sex. */
  record Pronoun(String male, String female) implements Part {}

  /** A word of the story. */
  record Hole(Slot slot, boolean article, boolean capital) implements Part {}

  /**
   * Reads a template.
   *
   * @throws IllegalArgumentException when a hole is unknown or not closed
   */
  static Template parse(String text) {
    List<Part> parts = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int open = text.indexOf('{', at);
      if (open < 0) {
        open = text.length();
      }
      if (open > at) {
        parts.add(new Literal(text.substring(at, open)));
      }
      if (open == text.length()) {
        break;
      }
      int close = text.indexOf('}', open);
      if (close < 0) {
        throw new IllegalArgumentException("a hole is not closed in: " + text);
      }
      parts.add(hole(text.substring(open + 1, close), text));
      at = close + 1;
    }
    return new Template(List.copyOf(parts));
  }

  private static Part hole(String inside, String text) {
    boolean capital = inside.startsWith("^");
    String word = capital ? inside.substring(1) : inside;
    return switch (word) {
      case "he" -> pronoun("he", "she", capital);
      case "him" -> pronoun("him", "her", capital);
      case "his" -> pronoun("his", "her", capital);
      default -> {
        boolean article = word.startsWith("a ");
        Slot slot = Slot.named(article ? word.substring(2) : word);
        if (slot == null) {
          throw new IllegalArgumentException("no such slot: {" + inside + "} in: " + text);
        }
        yield new Hole(slot, article, capital);
      }
    };
  }

  private static Pronoun pronoun(String male, String female, boolean capital) {
    return capital ? new Pronoun(capital(male), capital(female)) : new Pronoun(male, female);
  }

  /** The same after "a" or "an", and with a capital, where the hole asks for them. */
  Template inside(Hole hole) {
    if (!(hole.article || hole.capital) || !(parts.getFirst() instanceof Literal first)) {
      return this;
    }
    String text = hole.article ? article(first.text) + first.text : first.text;
    List<Part> changed = new ArrayList<>(parts);
    changed.set(0, new Literal(hole.capital ? capital(text) : text));
    return new Template(List.copyOf(changed));
  }

  /** "a " or "an "; the lists have no word whose sound and first letter disagree. */
  static String article(String word) {
    return "aeiou".indexOf(word.charAt(0)) >= 0 ? "an " : "a ";
  }

  static String capital(String text) {
    return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
  }
}
