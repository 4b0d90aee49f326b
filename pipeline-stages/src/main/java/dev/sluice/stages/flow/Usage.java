package dev.sluice.stages.flow;

/**
 * What a request used.
 *
 * @param promptTokens tokens of the prompt
 * @param generatedTokens tokens sampled, a stop token included
 */
public record Usage(int promptTokens, int generatedTokens) {
  public int totalTokens() {
    return promptTokens + generatedTokens;
  }
}
