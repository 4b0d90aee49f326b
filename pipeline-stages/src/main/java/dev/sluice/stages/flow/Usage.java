package dev.sluice.stages.flow;

/**
 * What a request used.
 *
 * @param promptTokens tokens of the prompt
 * @param generatedTokens tokens sampled, a stop token included
 * @param cachedTokens tokens of the prompt whose keys and values were there already
 */
public record Usage(int promptTokens, int generatedTokens, int cachedTokens) {
  public int totalTokens() {
    return promptTokens + generatedTokens;
  }
}
