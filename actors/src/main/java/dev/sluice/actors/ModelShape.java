package dev.sluice.actors;

/**
 * What the pipeline has to know of a model.
 *
 * @param embeddingLength elements of a row of activations
 * @param vocabularySize elements of a row of logits
 * @param contextTokens longest sequence
 */
record ModelShape(int embeddingLength, int vocabularySize, int contextTokens) {}
