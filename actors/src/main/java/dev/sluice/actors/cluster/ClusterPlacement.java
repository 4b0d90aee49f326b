package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import dev.sluice.actors.PipelineOptions;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.ModelCard;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.Placement;
import dev.sluice.actors.coordination.StagePlace;
import dev.sluice.actors.placement.ClusterPlan;
import dev.sluice.actors.placement.ClusterPlanner;
import dev.sluice.actors.placement.MemoryNeeds;
import dev.sluice.actors.placement.PlacedRange;
import dev.sluice.actors.placement.PlacementException;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.arch.ModelSpec;
import dev.sluice.model.cache.KvType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Places the model that runs already, or else the first node's, over the nodes that have it. The
 * sizes come from the configuration's {@code sluice.pipeline}; the KV cache is as large as the
 * tightest stage allows, up to a whole context for every stream.
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
            .build();
  }

  @Override
  public Placed place(
      List<NodeReport> nodes, List<NodeReport> answering, @Nullable EpochPlan previous) {
    String model = choose(nodes, previous);
    List<NodeReport> having = nodes.stream().filter(n -> has(n, model)).toList();
    ModelFootprint footprint = library.footprint(model);
    if (footprint == null) {
      throw new PlacementException(
          "The coordinator does not have the model "
              + model
              + " that the nodes have: give it the file too (--model).");
    }
    ModelSpec spec = footprint.spec();
    PipelineSizes sizes =
        options.sizes(spec.embeddingLength(), spec.vocabularySize(), spec.contextLength());
    MemoryNeeds needs =
        new MemoryNeeds(
            sizes.kvTokens(), sizes.kvType(), sizes.tokenBudget(), sizes.maxLogitRows());
    int most = Math.min(having.size(), footprint.layers());
    boolean same = previous != null && previous.model().equals(model);
    List<PlacedRange> before = same ? ranges(Objects.requireNonNull(previous)) : List.of();
    ClusterPlan plan =
        ClusterPlanner.of(footprint, needs, Math.min(stages, most))
            .plan(having.stream().map(n -> n.resources().offer()).toList(), before);
    int kvTokens = kvTokens(sizes, plan, same ? previous : null);
    return new Placed(model, sizes.withKvTokens(kvTokens), places(plan, having), plan.why());
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

  private static List<PlacedRange> ranges(EpochPlan plan) {
    return plan.stages().stream().map(s -> new PlacedRange(s.node().name(), s.range())).toList();
  }

  /** As many as before where they still fit, so that no cache has to be made anew. */
  private static int kvTokens(PipelineSizes sizes, ClusterPlan plan, @Nullable EpochPlan previous) {
    long wanted = (long) sizes.contextTokens() * sizes.maxSequences();
    long most = Math.min(plan.tokensThatFit(), 1 << 30);
    if (previous != null && previous.sizes().kvTokens() <= most) {
      return previous.sizes().kvTokens();
    }
    return (int) Math.clamp(wanted, Math.min(sizes.kvTokens(), most), most);
  }

  private static List<StagePlace> places(ClusterPlan plan, List<NodeReport> nodes) {
    Map<String, NodeReport> byName = new HashMap<>();
    nodes.forEach(n -> byName.put(n.resources().offer().name(), n));
    List<StagePlace> places = new ArrayList<>();
    for (PlacedRange placed : plan.placed()) {
      NodeReport node = Objects.requireNonNull(byName.get(placed.node()));
      places.add(new StagePlace(node.node(), node.resources().data(), placed.range()));
    }
    return places;
  }
}
