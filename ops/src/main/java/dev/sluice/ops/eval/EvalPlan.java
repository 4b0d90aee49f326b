package dev.sluice.ops.eval;

/**
 * What is asked and how.
 *
 * @param items how many items of each task
 * @param seed what the items are drawn from; the same seed gives the same items
 * @param worked whether the model is asked to think step by step
 * @param shots how many examples with their answers come first
 * @param shuffleShots whether each item has the examples in an order of its own
 * @param shuffleLabels whether the examples have each other's answers
 * @param samples how many answers are drawn for an item; the most frequent counts
 */
public record EvalPlan(
    int items,
    long seed,
    boolean worked,
    int shots,
    boolean shuffleShots,
    boolean shuffleLabels,
    int samples) {
  /** Most items of a task. */
  public static final int MAX_ITEMS = 100_000;

  /** Most examples before an item. */
  public static final int MAX_SHOTS = 32;

  /** Most answers to an item. */
  public static final int MAX_SAMPLES = 256;

  /**
   * Checks the limits.
   *
   * @throws IllegalArgumentException naming what is out of them
   */
  public EvalPlan {
    within("-n", items, 1, MAX_ITEMS);
    within("--shots", shots, 0, MAX_SHOTS);
    within("--samples", samples, 1, MAX_SAMPLES);
    if (shuffleShots && shots < 2) {
      throw new IllegalArgumentException("--shuffle-shots needs --shots 2 or more");
    }
    if (shuffleLabels && shots < 2) {
      throw new IllegalArgumentException("--shuffle-labels needs --shots 2 or more");
    }
  }

  private static void within(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          name + " " + value + ": must be from " + low + " to " + high);
    }
  }
}
