package dev.sluice.actors.simulation;

import dev.sluice.actors.coordination.DataAddress;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A byte of memory holds a layer. Keeps what it can of the plan before; else cuts anew. */
record SimPlacement(int layers, PipelineSizes sizes) implements Placement {
  @Override
  public Placed place(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    List<StagePlace> stages = previous == null ? List.of() : repaired(nodes, previous);
    if (stages.isEmpty()) {
      stages = cut(nodes);
    }
    return new Placed("model", sizes, stages, "simulated");
  }

  /** The stages of before, a spare node in the place of each that is missing; empty for none. */
  private static List<StagePlace> repaired(List<NodeReport> nodes, EpochPlan previous) {
    List<NodeReport> spares = new ArrayList<>(nodes);
    spares.removeIf(n -> previous.uses(n.node()));
    List<StagePlace> stages = new ArrayList<>();
    for (StagePlace stage : previous.stages()) {
      if (nodes.stream().anyMatch(n -> n.node().equals(stage.node()))) {
        stages.add(stage);
        continue;
      }
      int size = stage.range().end() - stage.range().first();
      NodeReport spare =
          spares.stream()
              .filter(n -> n.resources().offer().memoryBytes() >= size)
              .findFirst()
              .orElse(null);
      if (spare == null) {
        return List.of();
      }
      spares.remove(spare);
      stages.add(new StagePlace(spare.node(), DataAddress.NONE, stage.range()));
    }
    return stages;
  }

  private List<StagePlace> cut(List<NodeReport> nodes) {
    List<StagePlace> stages = new ArrayList<>();
    int from = 0;
    for (NodeReport node : nodes) {
      int end = (int) Math.min(layers, from + node.resources().offer().memoryBytes());
      if (end > from) {
        stages.add(new StagePlace(node.node(), DataAddress.NONE, new LayerRange(from, end)));
        from = end;
      }
    }
    if (from < layers) {
      throw new PlacementException((layers - from) + " layers find no room");
    }
    return stages;
  }
}
