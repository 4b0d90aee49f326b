package dev.sluice.stages.flow;

/**
 * Where a request's time went, in nanoseconds.
 *
 * @param queueNanos from the request to the first micro-batch with one of its tokens
 * @param promptNanos from there to the first sampled token (or to the end, when none was sampled)
 * @param generationNanos from the first sampled token to the last
 */
public record Timings(long queueNanos, long promptNanos, long generationNanos) {
  public static final Timings NONE = new Timings(0, 0, 0);

  /** From the request to the first token. */
  public long timeToFirstTokenNanos() {
    return queueNanos + promptNanos;
  }

  /** Prompt tokens per second; 0 where nothing was measured. */
  public double promptTokensPerSecond(Usage usage) {
    return promptNanos <= 0 ? 0 : usage.promptTokens() * 1e9 / promptNanos;
  }

  /** Tokens after the first, per second; 0 where nothing was measured. */
  public double generatedTokensPerSecond(Usage usage) {
    return generationNanos <= 0 || usage.generatedTokens() < 2
        ? 0
        : (usage.generatedTokens() - 1) * 1e9 / generationNanos;
  }
}
