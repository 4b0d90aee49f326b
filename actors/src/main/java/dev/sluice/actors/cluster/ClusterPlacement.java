package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.cache.KvType;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Places the model that runs already, or else the first node's, over the nodes that have it. The
 * sizes come from the configuration's {@code sluice.pipeline}.
 */
final class ClusterPlacement implements Placement {
  private final ModelLibrary library;
  private final PipelineOptions options;
  private final int stages;

  /**
   * @throws IllegalArgumentException naming the setting that is out of its limits
   */
  ClusterPlacement(ModelLibrary library, Config config) {
    Config pipeline = config.getConfig("sluice.pipeline");
    this.library = library;
    stages = pipeline.getInt("stages");
    options =
        PipelineOptions.builder()
            .contextTokens(pipeline.getInt("context"))
            .maxSequences(pipeline.getInt("streams"))
            .kvType(KvType.valueOf(pipeline.getString("kv-type").toUpperCase(Locale.ROOT)))
            .prefillChunk(pipeline.getInt("prefill-chunk"))
            .stepTimeout(pipeline.getDuration("step-timeout"))
            .queueTimeout(pipeline.getDuration("queue-timeout"))
            .kvReplica(pipeline.getBoolean("kv-replica"))
            .activationLog(LogLimits.of(config.getConfig("sluice.node.activation-log")))
            .build();
  }

  @Override
  public Placed place(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    return placement(nodes, previous).place(previous);
  }

  @Override
  public Placed rebalance(List<NodeReport> nodes, List<NodeReport> answering, EpochPlan running) {
    return placement(nodes, running).rebalance(running);
  }

  @Override
  public Outlook outlook(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan running) {
    return placement(nodes, running).outlook(running);
  }

  private ModelPlacement placement(List<NodeReport> nodes, @Nullable EpochPlan previous) {
    String model = choose(nodes, previous);
    List<NodeReport> having = nodes.stream().filter(n -> has(n, model)).toList();
    ModelFootprint footprint = library.footprint(model);
    if (footprint == null) {
      throw new PlacementException(
          "The coordinator does not have the model "
              + model
              + " that the nodes have: give it the file too (--model).");
    }
    return new ModelPlacement(model, footprint, having, stages, options);
  }

  private static boolean has(NodeReport node, String model) {
    ModelCard card = node.resources().model();
    return card != null && card.content().equals(model);
  }

  private static String choose(List<NodeReport> nodes, @Nullable EpochPlan previous) {
    if (previous != null && nodes.stream().anyMatch(n -> has(n, previous.model()))) {
      return previous.model();
    }
    for (NodeReport node : nodes) {
      ModelCard card = node.resources().model();
      if (card != null) {
        return card.content();
      }
    }
    throw new PlacementException(
        nodes.isEmpty()
            ? "There is no node that could hold layers: add one."
            : "No node has a model: start one with --model FILE.");
  }
}
