package dev.sluice.model.training.corpus;

import dev.sluice.model.training.corpus.Grammar.Form;
import dev.sluice.model.training.corpus.Grammar.Step;
import dev.sluice.model.training.corpus.Template.Hole;
import dev.sluice.model.training.corpus.Template.Literal;
import dev.sluice.model.training.corpus.Template.Part;
import dev.sluice.model.training.corpus.Template.Pronoun;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a story by the grammar from left to right. A slot that is met for the first time tries each
 * of its values, one that was met before must be as it was; what does not go on is taken back.
 */
final class StoryMatcher {
  private static final int EXCERPT = 40;

  private final Grammar grammar;
  private final String text;
  private final Facts facts;
  private final Map<String, String> sentences = new LinkedHashMap<>();
  private int farthest = -1;
  private int farthestSentence;
  private String expected = "";

  /** What is left of a template, and of those around it. */
  private record Rest(Template template, int part, @Nullable Rest around) {}

  StoryMatcher(Grammar grammar, String text, Facts given) {
    this.grammar = grammar;
    this.text = text;
    this.facts = new Facts(given);
  }

  /** Judges the text. To be called once. */
  Verdict judge() {
    if (next(0, 0, 1)) {
      return Verdict.keeps(new Story(sentences, facts));
    }
    int end = Math.min(text.length(), farthest + EXCERPT);
    String found =
        farthest >= text.length() ? "the end" : "'" + text.substring(farthest, end) + "'";
    return Verdict.breaks(farthestSentence, expected + ", but there is " + found);
  }

  /** Goes on with a step of the grammar at a position between sentences. */
  private boolean next(int index, int at, int sentence) {
    if (index == grammar.steps().size()) {
      return at == text.length() || failed(at, sentence, "expected the end");
    }
    Step step = grammar.steps().get(index);
    for (Form each : step.forms()) {
      Template form = each.template();
      if (form == null) {
        if (next(index + 1, at, sentence)) {
          return true;
        }
      } else {
        int start = at == 0 ? 0 : at + 1;
        if (at > 0 && !text.startsWith(" ", at)) {
          failed(at, sentence, "expected a sentence about the " + step.name());
        } else if (match(new Rest(form, 0, null), start, start, index, sentence)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean match(@Nullable Rest rest, int at, int start, int index, int sentence) {
    while (rest != null && rest.part == rest.template.parts().size()) {
      rest = rest.around;
    }
    if (rest == null) {
      return finish(at, start, index, sentence);
    }
    Part part = rest.template.parts().get(rest.part);
    Rest after = new Rest(rest.template, rest.part + 1, rest.around);
    return switch (part) {
      case Literal(String literal) -> literal(literal, after, at, start, index, sentence);
      case Pronoun(String male, String female) ->
          literal(grammar.female(facts) ? female : male, after, at, start, index, sentence);
      case Hole hole -> hole(hole, after, at, start, index, sentence);
    };
  }

  private boolean finish(int at, int start, int index, int sentence) {
    String name = grammar.steps().get(index).name();
    sentences.put(name, text.substring(start, at));
    if (next(index + 1, at, sentence + 1)) {
      return true;
    }
    sentences.remove(name);
    return false;
  }

  private boolean literal(String literal, Rest after, int at, int start, int index, int sentence) {
    return text.startsWith(literal, at)
        ? match(after, at + literal.length(), start, index, sentence)
        : failed(at, sentence, "expected '" + literal + "'");
  }

  private boolean hole(Hole hole, Rest after, int at, int start, int index, int sentence) {
    String said = facts.get(hole.slot());
    if (said != null) {
      Rest inside = new Rest(grammar.template(said).inside(hole), 0, after);
      return match(inside, at, start, index, sentence);
    }
    for (String value : grammar.domain(hole.slot(), facts)) {
      Template template = grammar.template(value).inside(hole);
      if (template.parts().getFirst() instanceof Literal(String first)
          && !text.startsWith(first, at)) {
        continue;
      }
      facts.put(hole.slot(), value);
      if (match(new Rest(template, 0, after), at, start, index, sentence)) {
        return true;
      }
      facts.remove(hole.slot());
    }
    return failed(at, sentence, "expected a " + hole.slot().words());
  }

  private boolean failed(int at, int sentence, String what) {
    if (at > farthest) {
      farthest = at;
      farthestSentence = sentence;
      expected = what;
    }
    return false;
  }
}
