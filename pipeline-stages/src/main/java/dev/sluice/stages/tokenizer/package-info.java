/**
 * Tokenizers, built from what a model file says of its vocabulary: SentencePiece-like merging by
 * score, byte-level BPE and WordPiece, and decoders that never show half a character.
 */
@NullMarked
package dev.sluice.stages.tokenizer;

import org.jspecify.annotations.NullMarked;
