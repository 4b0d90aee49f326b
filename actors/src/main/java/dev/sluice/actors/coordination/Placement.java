package dev.sluice.actors.coordination;

import dev.sluice.actors.placement.PlacementException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which node hosts which layers of which model. It changes nothing; what it says depends on
 * the nodes and on what this process knows of the model, so it is asked again now and then where no
 * placement fitted.
 */
@FunctionalInterface
public interface Placement {
  /**
   * Places a pipeline.
   *
   * @param nodes those that may be used, ascending by id
   * @param answering these and others that still give weights, such as one that leaves
   * @param previous what ran before, whose ranges are better kept; null for none
   * @throws PlacementException where none fits: what lacks, and what to do
   */
  Placed place(List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous);

  /**
   * Places a pipeline that runs as well as can be now, whatever has to move for it.
   *
   * @throws PlacementException as {@link #place} does
   */
  default Placed rebalance(List<NodeReport> nodes, List<NodeReport> answering, EpochPlan running) {
    return place(nodes, answering, null);
  }

  /**
   * What {@link #rebalance} would do, or {@link #place} where nothing runs. For any thread.
   *
   * @throws PlacementException as {@link #place} does
   */
  default Outlook outlook(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan running) {
    throw new PlacementException("Nothing is planned here: the stages are where they are.");
  }

  /**
   * The stages whose nodes would have to fetch weights before they can load them; of nodes that do
   * not answer nothing is said.
   */
  default List<StagePlace> lacking(Placed placed, List<NodeReport> answering) {
    return List.of();
  }

  /**
   * A pipeline, not yet of any epoch.
   *
   * @param model content id of its file
   * @param sizes what the nodes must agree on
   * @param stages in order, at least one
   * @param why in words
   */
  record Placed(String model, PipelineSizes sizes, List<StagePlace> stages, String why) {
    EpochPlan inEpoch(int epoch) {
      return new EpochPlan(epoch, model, sizes, stages, why);
    }

    boolean sameAs(EpochPlan plan) {
      return model.equals(plan.model())
          && sizes.equals(plan.sizes())
          && stages.equals(plan.stages());
    }
  }
}
