package dev.sluice.actors.coordination;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decides which node hosts which layers of which model. A pure function. */
@FunctionalInterface
public interface Placement {
  /**
   * Places a pipeline.
   *
   * @param nodes those that may be used, ascending by id
   * @param previous what ran before, whose ranges are better kept; null for none
   * @throws dev.sluice.actors.placement.PlacementException where none fits: what lacks, and what to
   *     do
   */
  Placed place(List<NodeReport> nodes, @Nullable EpochPlan previous);

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
