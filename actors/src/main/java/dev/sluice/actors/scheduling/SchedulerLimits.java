package dev.sluice.actors.scheduling;

import java.time.Duration;

/**
 * The bounds that a {@link BatchScheduler} keeps.
 *
 * @param stages stages of the pipeline
 * @param maxSequences slots: sequences in the pipeline at a time, those that leave it included
 * @param maxWaiting requests that wait for a slot or for KV pages
 * @param contextTokens longest sequence, prompt and answer
 * @param capacityPages KV pages of the stage that has the fewest
 * @param pageTokens positions of a page
 * @param prefillChunk most tokens of one prompt in one micro-batch
 * @param tokenBudget most tokens of one micro-batch, more than {@code maxSequences}, so that a
 *     prompt goes on in every micro-batch however many sequences decode
 * @param maxLogitRows most rows of logits of one micro-batch, at least {@code maxSequences}
 * @param vocabularySize token ids are below it
 * @param queueTimeout longest time that a request waits
 * @param prefixCache whether sequences share the KV pages of what they begin with
 */
public record SchedulerLimits(
    int stages,
    int maxSequences,
    int maxWaiting,
    int contextTokens,
    int capacityPages,
    int pageTokens,
    int prefillChunk,
    int tokenBudget,
    int maxLogitRows,
    int vocabularySize,
    Duration queueTimeout,
    boolean prefixCache) {
  public SchedulerLimits {
    atLeast("stages", stages, 1);
    atLeast("maxSequences", maxSequences, 1);
    atLeast("maxWaiting", maxWaiting, 0);
    atLeast("contextTokens", contextTokens, 1);
    atLeast("capacityPages", capacityPages, 1);
    atLeast("pageTokens", pageTokens, 1);
    atLeast("prefillChunk", prefillChunk, 1);
    atLeast("tokenBudget", tokenBudget, maxSequences + 1);
    atLeast("maxLogitRows", maxLogitRows, maxSequences);
    atLeast("vocabularySize", vocabularySize, 1);
  }

  /**
   * Micro-batches in flight at most: one more than there are stages, so that a stage that becomes
   * free finds its next one waiting.
   */
  public int maxInFlight() {
    return stages + 1;
  }

  /** Positions that all pages together hold. */
  long capacityTokens() {
    return (long) capacityPages * pageTokens;
  }

  /** Pages for so many positions. */
  int pages(long positions) {
    return (int) Math.ceilDiv(positions, (long) pageTokens);
  }

  private static void atLeast(String name, int value, int low) {
    if (value < low) {
      throw new IllegalArgumentException(name + " " + value + ": must be at least " + low);
    }
  }
}
