package dev.sluice.actors.coordination;

import dev.sluice.actors.weights.FetchProgress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The nodes that {@link Coordination} knows of, ascending by id, and what their reports say. */
final class KnownNodes {
  private final Map<NodeId, KnownNode> nodes = new TreeMap<>();

  /** A node, known from now on. */
  KnownNode get(NodeId id) {
    return nodes.computeIfAbsent(id, KnownNode::new);
  }

  /** A node; null for one that is not known. */
  @Nullable KnownNode find(NodeId id) {
    return nodes.get(id);
  }

  /** Whether it was known, and is not any more. */
  boolean remove(NodeId id) {
    return nodes.remove(id) != null;
  }

  boolean isEmpty() {
    return nodes.isEmpty();
  }

  Collection<KnownNode> all() {
    return nodes.values();
  }

  private Stream<KnownNode> reachable() {
    return nodes.values().stream().filter(KnownNode::reachable);
  }

  private static List<NodeReport> reports(Stream<KnownNode> of) {
    return of.map(KnownNode::report).filter(Objects::nonNull).toList();
  }

  /** The last reports of those that answer. */
  List<NodeReport> reports() {
    return reports(reachable());
  }

  /** The last reports of those on which a stage may be placed. */
  List<NodeReport> candidates(long now) {
    return reports(nodes.values().stream().filter(n -> n.usable(now)));
  }

  /** How many stay, also of those that could not load their part just now. */
  int present() {
    return reports(reachable().filter(n -> !n.leaving())).size();
  }

  /** Those that do not answer. */
  List<NodeId> unreachable() {
    return nodes.values().stream().filter(n -> !n.reachable()).map(KnownNode::id).toList();
  }

  /** Whether one with a part in a plan wants to go. */
  boolean leavingFrom(EpochPlan plan) {
    return nodes.values().stream().anyMatch(n -> n.leaving() && plan.uses(n.id()));
  }

  /** Whether one with a part in a move wants to go. */
  boolean leavingFrom(PlannedMove move) {
    return nodes.values().stream().anyMatch(n -> n.leaving() && move.uses(n.id()));
  }

  /**
   * Who has the scheduler of a broken pipeline, so that its sequences live on.
   *
   * @param theirs its plan, where it is known
   * @return null for nobody
   */
  @Nullable NodeId withHead(@Nullable EpochPlan theirs) {
    return reports().stream()
        .filter(r -> r.head().present() && (theirs == null || theirs.head().equals(r.node())))
        .map(NodeReport::node)
        .findFirst()
        .orElse(null);
  }

  /** Bytes of weights that the stages of an epoch have fetched. */
  long fetched(int epoch) {
    return reports(nodes.values().stream()).stream()
        .filter(report -> report.epoch() == epoch)
        .flatMap(report -> report.stages().stream())
        .map(StageReport::fetch)
        .filter(Objects::nonNull)
        .mapToLong(FetchProgress::done)
        .sum();
  }

  /** The report of a stage that is ready; null where it is not. */
  @Nullable StageReport ready(EpochPlan plan, int index) {
    NodeReport report = get(plan.stages().get(index).node()).report();
    if (report == null || report.epoch() != plan.epoch()) {
      return null;
    }
    return report.stages().stream()
        .filter(s -> s.stage() == index && s.state() == StageReport.State.READY)
        .findFirst()
        .orElse(null);
  }
}
