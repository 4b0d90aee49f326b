package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.util.List;

/**
 * How busy a node is, for people to read: nothing is decided by it.
 *
 * @param stages those that it hosts, ascending
 * @param running sequences in the pipeline, where it has the head; else 0
 * @param waiting requests that wait for a place, where it has the head; else 0
 */
public record NodeLoad(List<StageLoad> stages, int running, int waiting) implements WireMessage {
  /** Of a node that does nothing. */
  public static final NodeLoad NONE = new NodeLoad(List.of(), 0, 0);

  public NodeLoad {
    stages = List.copyOf(stages);
  }
}
