package dev.sluice.actors.coordination;

import dev.sluice.actors.WireMessage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that a node does and has. Sent whenever it changes, and now and then.
 *
 * @param node who
 * @param sequence rises with every report of that node
 * @param resources what it has to give
 * @param leaving whether it wants to be relieved
 * @param epoch the highest that it knows
 * @param plan the pipeline of that epoch; null for none
 * @param stages its stages of that plan
 * @param head its scheduler
 * @param load how busy it is
 */
public record NodeReport(
    NodeId node,
    long sequence,
    NodeResources resources,
    boolean leaving,
    int epoch,
    @Nullable EpochPlan plan,
    List<StageReport> stages,
    HeadReport head,
    NodeLoad load)
    implements WireMessage {
  public NodeReport {
    stages = List.copyOf(stages);
  }
}
