package dev.sluice.model.training.corpus;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** A story of the grammar, with what it says. Immutable. */
public final class Story {
  private final String text;
  private final Map<String, String> sentences;
  private final Facts facts;

  Story(Map<String, String> sentences, Facts facts) {
    this.sentences = new LinkedHashMap<>(sentences);
    this.text = String.join(" ", sentences.values());
    this.facts = new Facts(facts);
  }

  /** The story in one paragraph. */
  public String text() {
    return text;
  }

  /** Its first sentence. */
  public String opening() {
    return sentence("opening");
  }

  /** The hero's name. */
  public String hero() {
    return facts.need(Slot.HERO);
  }

  /** How many words it has. */
  int words() {
    return text.split(" ", -1).length;
  }

  Facts facts() {
    return new Facts(facts);
  }

  /** What the story says of a slot, as it says it. */
  String said(Slot slot) {
    return new StoryWriter(Grammar.shipped(), facts).text(facts.need(slot));
  }

  /** A template filled with what the story says. */
  String fill(Template template) {
    return new StoryWriter(Grammar.shipped(), facts).fill(template);
  }

  /** The sentence at a place in the grammar's order. */
  String sentence(String name) {
    return Objects.requireNonNull(sentences.get(name), name);
  }
}
