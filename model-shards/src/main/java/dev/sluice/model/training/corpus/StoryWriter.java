package dev.sluice.model.training.corpus;

import dev.sluice.model.training.corpus.Grammar.Form;
import dev.sluice.model.training.corpus.Grammar.Step;
import dev.sluice.model.training.corpus.Template.Hole;
import dev.sluice.model.training.corpus.Template.Literal;
import dev.sluice.model.training.corpus.Template.Pronoun;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Writes by the grammar from left to right; a slot is drawn when it is first mentioned. */
final class StoryWriter {
  private final Grammar grammar;
  private final Facts facts;
  private final @Nullable SplittableRandom random;

  /** A writer for whom everything has been decided. */
  StoryWriter(Grammar grammar, Facts facts) {
    this(grammar, facts, null);
  }

  private StoryWriter(Grammar grammar, Facts facts, @Nullable SplittableRandom random) {
    this.grammar = grammar;
    this.facts = facts;
    this.random = random;
  }

  /** Writes a story that keeps to the facts given. */
  static Story write(Grammar grammar, Facts given, SplittableRandom random) {
    StoryWriter writer = new StoryWriter(grammar, new Facts(given), random);
    Map<String, String> sentences = new LinkedHashMap<>();
    for (Step step : grammar.steps()) {
      Template form = draw(step, random);
      if (form != null) {
        StringBuilder out = new StringBuilder();
        writer.write(form, out);
        sentences.put(step.name(), out.toString());
      }
    }
    return new Story(sentences, writer.facts);
  }

  private static @Nullable Template draw(Step step, SplittableRandom random) {
    int ticket = random.nextInt(step.total());
    for (Form form : step.forms()) {
      ticket -= form.weight();
      if (ticket < 0) {
        return form.template();
      }
    }
    throw new AssertionError(step.name());
  }

  /** A value of a slot with its own holes filled. */
  String text(String value) {
    return fill(grammar.template(value));
  }

  /** A template with its holes filled. */
  String fill(Template template) {
    StringBuilder out = new StringBuilder();
    write(template, out);
    return out.toString();
  }

  private void write(Template template, StringBuilder out) {
    for (Template.Part part : template.parts()) {
      switch (part) {
        case Literal(String text) -> out.append(text);
        case Pronoun(String male, String female) ->
            out.append(grammar.female(facts) ? female : male);
        case Hole hole -> write(grammar.template(value(hole.slot())).inside(hole), out);
      }
    }
  }

  private String value(Slot slot) {
    String value = facts.get(slot);
    if (value == null) {
      if (random == null) {
        throw new IllegalStateException("the story does not say: " + slot);
      }
      List<String> domain = grammar.domain(slot, facts);
      value = domain.get(random.nextInt(domain.size()));
      facts.put(slot, value);
    }
    return value;
  }
}
