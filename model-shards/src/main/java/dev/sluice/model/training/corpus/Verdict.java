package dev.sluice.model.training.corpus;

import org.jspecify.annotations.Nullable;

/**
 * Whether a text is a story of the grammar.
 *
 * @param story what it says; null where it breaks the grammar
 * @param sentence the first sentence (from 1) that cannot be read; 0 where all can
 * @param problem what was expected there and what was found; empty where nothing is wrong
 */
public record Verdict(@Nullable Story story, int sentence, String problem) {
  static Verdict keeps(Story story) {
    return new Verdict(story, 0, "");
  }

  static Verdict breaks(int sentence, String problem) {
    return new Verdict(null, sentence, problem);
  }

  /** Whether the text keeps to the grammar: names, objects and events fit each other. */
  public boolean keeps() {
    return story != null;
  }
}
