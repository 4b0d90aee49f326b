package dev.sluice.actors.placement;

/**
 * A stage of a {@link ClusterPlan}.
 *
 * @param node name of the node that hosts it
 * @param plan its layers and what they weigh; its cost is the share of all stages' time
 * @param memoryBytes what the node gives
 * @param decodeNanos its time for one generated token, in nanoseconds
 * @param promptNanos its time for one token of a prompt, in nanoseconds
 * @param hopNanos the way of a micro-batch to the next stage, or from the last stage back to the
 *     first node, in nanoseconds: half a round trip; 0 within a node
 * @param tokensThatFit positions whose keys and values the node has memory for, over all sequences
 * @param movedBytes weights of it that the node did not have in the previous placement; all of them
 *     where there was none
 */
public record PlacedStage(
    String node,
    StagePlan plan,
    long memoryBytes,
    long decodeNanos,
    long promptNanos,
    long hopNanos,
    long tokensThatFit,
    long movedBytes) {
  /** Its time for one generated token and {@link ClusterPlanner#PROMPT_TOKENS} of prompts. */
  public long nanos() {
    return decodeNanos + ClusterPlanner.PROMPT_TOKENS * promptNanos;
  }

  /** Its node and layers. */
  public PlacedRange placed() {
    return new PlacedRange(node, plan.range());
  }
}
