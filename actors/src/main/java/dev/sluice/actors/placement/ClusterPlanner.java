package dev.sluice.actors.placement;

import dev.sluice.actors.placement.NodeOrderSearch.Arrangement;
import dev.sluice.model.arch.ModelFootprint;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Decides which nodes run which layers of a model, in which order. A stage's time is that for one
 * generated token and {@link #PROMPT_TOKENS} of prompts, by the node's measured speeds; the slowest
 * stage is made as fast as the nodes' memories allow. For at most {@link #EXACT_NODES} nodes all
 * orders, subsets and cuts are weighed; for more, a number of orders that are then improved node by
 * node, with all subsets and cuts of each.
 *
 * <p>A pure function: the same nodes, in any order, and the same needs give the same plan.
 * Immutable, for any thread. A plan takes about a second at most.
 */
public final class ClusterPlanner {
  /** Most nodes for which the plan is exact. */
  public static final int EXACT_NODES = SubsetSearch.MAX_NODES;

  /** Tokens of prompts to each generated token, in the work that stages are compared by. */
  public static final int PROMPT_TOKENS = 4;

  /** Most nodes that are looked at. */
  public static final int MAX_NODES = 256;

  /** Ranges stay in place unless re-cutting would make the pipeline faster than that. */
  static final int WORTH_MOVING = 2;

  private final ModelCosts model;
  private final MemoryNeeds needs;
  private final int stages;

  ClusterPlanner(ModelCosts model, MemoryNeeds needs, int stages) {
    if (stages < 0 || stages > ShardPlan.MAX_STAGES) {
      throw new PlacementException(
          "A pipeline has from 1 to " + ShardPlan.MAX_STAGES + " stages, not " + stages + ".");
    }
    this.model = model;
    this.needs = needs;
    this.stages = stages;
  }

  /** A planner that takes as many stages as are good. */
  public static ClusterPlanner of(ModelFootprint model, MemoryNeeds needs) {
    return of(model, needs, 0);
  }

  /**
   * A planner.
   *
   * @param needs what stages need memory for besides weights; {@code kvTokens} is what must fit at
   *     least, context times streams
   * @param stages exactly so many; 0 for as many as are good
   * @throws PlacementException for a number of stages that no pipeline has
   */
  public static ClusterPlanner of(ModelFootprint model, MemoryNeeds needs, int stages) {
    return new ClusterPlanner(ModelCosts.of(model, needs), needs, stages);
  }

  /**
   * A plan from nothing.
   *
   * @throws PlacementException where no placement fits: which node lacks how many bytes
   */
  public ClusterPlan plan(List<NodeOffer> nodes) {
    return plan(nodes, List.of());
  }

  /**
   * A plan that leaves things in place where it can: ranges of nodes that are still there stay, and
   * spares take those of nodes that are gone. Where that does not fit, or is {@value #WORTH_MOVING}
   * times as slow as the best, the layers are cut anew, and among good placements the one that
   * moves the fewest bytes is taken.
   *
   * @param previous the placement so far, in the order of the pipeline; may be empty
   * @throws PlacementException where no placement fits: which node lacks how many bytes
   */
  public ClusterPlan plan(List<NodeOffer> nodes, List<PlacedRange> previous) {
    List<NodeOffer> sorted = checked(nodes);
    NodeCosts costs = new NodeCosts(model, needs, sorted);
    PlacementSearch search = new PlacementSearch(costs, orders(costs), needs.kvTokens());
    Optional<Arrangement> kept =
        new KeptRanges(costs, needs.kvTokens())
            .of(previous)
            .filter(arrangement -> stages == 0 || arrangement.stages() == stages);
    // One question instead of a whole plan: streams are waiting.
    if (kept.isPresent()
        && search.within(search.period(kept.get()) / WORTH_MOVING, needs.kvTokens()).isEmpty()) {
      return new PlanWriter(costs, needs, stages, previous)
          .write(kept.get(), PlanWriter.Origin.KEPT);
    }
    return best(costs, search, previous);
  }

  /**
   * The best plan, whatever ran before; among those that are as good the one that moves the fewest
   * bytes.
   *
   * @param previous the placement so far, in the order of the pipeline; may be empty
   * @throws PlacementException where no placement fits: which node lacks how many bytes
   */
  public ClusterPlan replan(List<NodeOffer> nodes, List<PlacedRange> previous) {
    NodeCosts costs = new NodeCosts(model, needs, checked(nodes));
    return best(costs, new PlacementSearch(costs, orders(costs), needs.kvTokens()), previous);
  }

  private ClusterPlan best(NodeCosts costs, PlacementSearch search, List<PlacedRange> previous) {
    List<LayerRange> held =
        previous.isEmpty() ? List.of() : PlacementSearch.held(costs.offers(), previous);
    PlanWriter writer = new PlanWriter(costs, needs, stages, previous);
    return search
        .best(held)
        .map(found -> writer.write(found, PlanWriter.Origin.BEST))
        .orElseThrow(() -> new LackOfMemory(costs, orders(costs), needs, stages).exception());
  }

  /**
   * What a placement that is there already amounts to, with what is known of the nodes now.
   *
   * @param placed in the order of the pipeline
   * @return nothing where one of its nodes is missing, or it is no placement of this model
   */
  public Optional<ClusterPlan> appraise(List<NodeOffer> nodes, List<PlacedRange> placed) {
    NodeCosts costs = new NodeCosts(model, needs, checked(nodes));
    List<String> names = costs.offers().stream().map(NodeOffer::name).toList();
    int[] order = placed.stream().mapToInt(p -> names.indexOf(p.node())).toArray();
    if (!KeptRanges.covers(placed, costs.layers())
        || Arrays.stream(order).anyMatch(node -> node < 0)) {
      return Optional.empty();
    }
    int[] cuts = new int[order.length + 1];
    for (int i = 0; i < order.length; i++) {
      cuts[i + 1] = placed.get(i).range().end();
    }
    return Optional.of(
        new PlanWriter(costs, needs, stages, placed)
            .write(new Arrangement(order, cuts, 0), PlanWriter.Origin.GIVEN));
  }

  private List<NodeOffer> checked(List<NodeOffer> nodes) {
    if (nodes.isEmpty()) {
      throw new PlacementException("There is no node that could hold layers: add one.");
    }
    if (nodes.size() > MAX_NODES) {
      throw new PlacementException(
          nodes.size() + " nodes are more than the " + MAX_NODES + " that can be planned for.");
    }
    List<NodeOffer> sorted = new ArrayList<>(nodes);
    sorted.sort(Comparator.comparing(NodeOffer::name));
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).name().equals(sorted.get(i - 1).name())) {
        throw new PlacementException("Two nodes are called " + sorted.get(i).name() + ".");
      }
    }
    int most = Math.min(nodes.size(), model.layers());
    if (stages > most) {
      throw new PlacementException(
          stages
              + " stages are wanted, but each needs a node and a layer of its own, and there are "
              + nodes.size()
              + " nodes and "
              + model.layers()
              + " layers: add nodes or ask for at most "
              + most
              + " stages.");
    }
    return MeasuredSpeeds.fill(sorted);
  }

  private NodeOrderSearch orders(NodeCosts costs) {
    return costs.nodes() <= EXACT_NODES
        ? new SubsetSearch(costs.layers(), costs.nodes(), stages)
        : new OrderedSearch(costs, stages, needs.kvTokens());
  }
}
