package dev.sluice.stages.link;

import dev.sluice.stages.grammar.TokenVocabulary;
import java.util.function.Supplier;

/** For samplers that no grammar comes to. */
final class NoVocabulary {
  static final Supplier<TokenVocabulary> NONE =
      () -> {
        throw new AssertionError("without grammars nobody needs a vocabulary");
      };

  private NoVocabulary() {}
}
