package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.Outlook;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.coordination.StoredLayers;
import dev.sluice.actors.kept.LogLimits;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.cache.KvType;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.store.ContentId;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Places the model that runs already, or else the first node's, over the nodes that were given it
 * or none; these fetch what they lack, so each layer must be somewhere. The sizes come from the
 * configuration's {@code sluice.pipeline}.
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
            .prefixCache(pipeline.getBoolean("prefix-cache"))
            .activationLog(LogLimits.of(config.getConfig("sluice.node.activation-log")))
            .build();
  }

  @Override
  public Placed place(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    return placement(nodes, answering, previous).place(previous);
  }

  @Override
  public Placed rebalance(List<NodeReport> nodes, List<NodeReport> answering, EpochPlan running) {
    return placement(nodes, answering, running).rebalance(running);
  }

  @Override
  public Outlook outlook(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan running) {
    return placement(nodes, answering, running).outlook(running);
  }

  @Override
  public List<StagePlace> lacking(Placed placed, List<NodeReport> answering) {
    return placed.stages().stream()
        .filter(
            stage ->
                answering.stream()
                    .filter(node -> node.node().equals(stage.node()))
                    .anyMatch(node -> !has(node, placed.model(), stage.range())))
        .toList();
  }

  private static boolean has(NodeReport node, String model, LayerRange range) {
    StoredLayers stored = node.resources().stored();
    return hasFile(node, model)
        || (stored != null
            && stored.content().equals(model)
            && stored.layers().stream()
                .anyMatch(there -> there.first() <= range.first() && range.end() <= there.end()));
  }

  private ModelPlacement placement(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    String model = choose(nodes, answering, previous);
    List<NodeReport> having = nodes.stream().filter(n -> takes(n, model)).toList();
    if (having.isEmpty()) {
      throw new PlacementException(
          "All nodes have other models than the one that runs, %s: start one without --model."
              .formatted(new ContentId(model).brief()));
    }
    ModelFootprint footprint = library.footprint(model);
    checkSources(model, footprint.layers(), answering);
    return new ModelPlacement(model, footprint, having, stages, options);
  }

  /** Who was given another model is for that one alone. */
  private static boolean takes(NodeReport node, String model) {
    ModelCard card = node.resources().model();
    return card == null || card.content().equals(model);
  }

  private static boolean hasFile(NodeReport node, String model) {
    ModelCard card = node.resources().model();
    return card != null && card.content().equals(model);
  }

  private static boolean hasSome(NodeReport node, String model) {
    StoredLayers stored = node.resources().stored();
    return hasFile(node, model) || (stored != null && stored.content().equals(model));
  }

  private static String choose(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    if (nodes.isEmpty()) {
      throw new PlacementException("There is no node that could hold layers: add one.");
    }
    if (previous != null && answering.stream().anyMatch(n -> hasSome(n, previous.model()))) {
      return previous.model();
    }
    return nodes.stream()
        .map(n -> n.resources().model())
        .flatMap(Stream::ofNullable)
        .map(ModelCard::content)
        .findFirst()
        .or(() -> firstStored(answering))
        .orElseThrow(
            () -> new PlacementException("No node has a model: start one with --model FILE."));
  }

  private static Optional<String> firstStored(List<NodeReport> nodes) {
    return nodes.stream()
        .map(n -> n.resources().stored())
        .flatMap(Stream::ofNullable)
        .map(StoredLayers::content)
        .findFirst();
  }

  /** Layers that nobody has could only be waited for. */
  private static void checkSources(String model, int layers, List<NodeReport> answering) {
    if (answering.stream().anyMatch(n -> hasFile(n, model))) {
      return;
    }
    BitSet found = new BitSet();
    for (NodeReport node : answering) {
      StoredLayers stored = node.resources().stored();
      if (stored != null && stored.content().equals(model)) {
        stored.layers().forEach(range -> found.set(range.first(), range.end()));
      }
    }
    int first = found.nextClearBit(0);
    if (first < layers) {
      int next = found.nextSetBit(first);
      throw new PlacementException(
          "The layers %s of model %s are on no node that answers: start one that has the file (--model)."
              .formatted(
                  new LayerRange(first, next < 0 ? layers : next), new ContentId(model).brief()));
    }
  }
}
