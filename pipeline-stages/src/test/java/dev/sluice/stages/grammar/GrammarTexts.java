package dev.sluice.stages.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Grammars over single bytes. */
public final class GrammarTexts {
  static final ListTokenizer BYTES = ListTokenizer.random(new Random(0), "a", 0);
  static final TokenVocabulary VOCABULARY = TokenVocabulary.of(BYTES);

  private GrammarTexts() {}

  /** Whether a text is one of the grammar's, as a whole. */
  public static boolean matches(Grammar grammar, String text) {
    GrammarMatcher matcher = new Grammars(VOCABULARY).matcher(grammar, new int[0], 0, 0);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (!matcher.accept(2 + (b & 0xFF))) {
        return false;
      }
    }
    return matcher.complete();
  }
}
