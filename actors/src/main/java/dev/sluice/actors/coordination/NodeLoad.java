package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.util.List;

/**
 * How busy a node is, for people to read: nothing is decided by it.
 *
 * @param stages those that it hosts, ascending
 * @param running sequences in the pipeline, where it has the head; else 0
 * @param waiting requests that wait for a place, where it has the head; else 0
 * @param recoveries how often a sequence lost its pipeline and went on in the next, since this head
 *     began; 0 elsewhere
 * @param recomputedTokens tokens sent again because of that
 * @param replayedTokens tokens that only some of the stages computed again because of that
 */
public record NodeLoad(
    List<StageLoad> stages,
    int running,
    int waiting,
    long recoveries,
    long recomputedTokens,
    long replayedTokens)
    implements WireMessage {
  /** Of a node that does nothing. */
  public static final NodeLoad NONE = new NodeLoad(List.of(), 0, 0, 0, 0, 0);

  public NodeLoad {
    stages = List.copyOf(stages);
  }
}
