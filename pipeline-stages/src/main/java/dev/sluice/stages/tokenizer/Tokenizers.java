package dev.sluice.stages.tokenizer;

import dev.sluice.model.gguf.GgufMetadata;

/** Chooses the kind of tokenizer. */
@SuppressWarnings("DoNotCallSuggester") // signatures first
final class Tokenizers {
  private Tokenizers() {}

  static Tokenizer of(GgufMetadata metadata) {
    throw new UnsupportedOperationException(metadata.string("tokenizer.ggml.model"));
  }
}
