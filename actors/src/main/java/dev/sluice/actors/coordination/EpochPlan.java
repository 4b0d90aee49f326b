package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Everything about the pipeline of one epoch. Every node of it has the whole plan, so that any
 * coordinator can learn it from any node.
 *
 * @param epoch rises with every building of the pipeline
 * @param model content id of the model's file
 * @param sizes what the nodes must agree on
 * @param stages at least one, in order; the head is on the first one's node
 * @param why in words
 */
public record EpochPlan(
    int epoch, String model, PipelineSizes sizes, List<StagePlace> stages, String why)
    implements WireMessage {
  public EpochPlan {
    stages = List.copyOf(stages);
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("a plan without stages, epoch " + epoch);
    }
  }

  /** The node that has the scheduler: that of the first stage. */
  public NodeId head() {
    return stages.getFirst().node();
  }

  /** Whether a node has a stage. */
  public boolean uses(NodeId node) {
    return stages.stream().anyMatch(s -> s.node().equals(node));
  }

  /** The stages of a node, ascending. */
  public List<Integer> stagesOf(NodeId node) {
    return IntStream.range(0, stages.size())
        .filter(i -> stages.get(i).node().equals(node))
        .boxed()
        .toList();
  }
}
