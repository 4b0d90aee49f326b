package dev.sluice.actors.coordination;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a coordinator that starts anew finds: the pipeline of the highest epoch, and its state.
 *
 * @param heardAll whether every node that answers has reported
 */
record Adoption(int highestEpoch, @Nullable EpochPlan plan, Verdict verdict, boolean heardAll) {
  enum Verdict {
    /** No pipeline is known. */
    NONE,
    /** Nodes of it, or others that may know of a later one, have not reported yet. */
    OPEN,
    /** All of it is there and serves. */
    RUNS,
    /** All of it is there, and not all of it is ready yet. */
    STARTS,
    /** A part of it is lost. */
    BROKEN
  }

  static Adoption of(KnownNodes nodes) {
    EpochPlan plan = null;
    int highest = 0;
    boolean silent = false;
    for (KnownNode node : nodes.all()) {
      NodeReport report = node.report();
      if (report == null) {
        silent |= node.reachable();
        continue;
      }
      highest = Math.max(highest, report.epoch());
      EpochPlan theirs = report.plan();
      if (theirs != null && (plan == null || theirs.epoch() > plan.epoch())) {
        plan = theirs;
      }
    }
    if (plan == null) {
      return new Adoption(highest, null, silent ? Verdict.OPEN : Verdict.NONE, !silent);
    }
    boolean broken = plan.epoch() < highest || contradicted(plan, nodes);
    Verdict verdict = broken ? Verdict.BROKEN : verdict(plan, nodes);
    return new Adoption(highest, plan, verdict, !silent);
  }

  /** Two coordinators that did not hear of each other may have given the same number. */
  private static boolean contradicted(EpochPlan plan, KnownNodes nodes) {
    return nodes.all().stream()
        .map(KnownNode::report)
        .filter(Objects::nonNull)
        .anyMatch(r -> r.epoch() == plan.epoch() && !plan.equals(r.plan()));
  }

  private static Verdict verdict(EpochPlan plan, KnownNodes nodes) {
    boolean open = false;
    boolean behind = false;
    boolean loading = false;
    for (StagePlace stage : plan.stages()) {
      KnownNode node = nodes.find(stage.node());
      if (node == null || !node.reachable()) {
        return Verdict.BROKEN;
      }
      NodeReport report = node.report();
      if (report == null) {
        open = true;
      } else if (report.epoch() < plan.epoch()) {
        behind = true;
      } else if (!Objects.equals(report.plan(), plan) || broken(report, plan)) {
        return Verdict.BROKEN;
      } else {
        loading |= !ready(report, plan.stagesOf(stage.node()));
      }
    }
    if (open) {
      return Verdict.OPEN;
    }
    boolean attached = attached(plan, nodes);
    if (attached && (behind || loading)) {
      return Verdict.BROKEN;
    }
    return attached ? Verdict.RUNS : Verdict.STARTS;
  }

  private static boolean broken(NodeReport report, EpochPlan plan) {
    return report.head().failedEpoch() == plan.epoch()
        || report.stages().stream()
            .anyMatch(
                s -> s.state() == StageReport.State.FAILED || s.state() == StageReport.State.LOST);
  }

  private static boolean ready(NodeReport report, List<Integer> stages) {
    return report.stages().stream()
        .filter(s -> s.state() == StageReport.State.READY)
        .map(StageReport::stage)
        .toList()
        .containsAll(stages);
  }

  private static boolean attached(EpochPlan plan, KnownNodes nodes) {
    KnownNode node = nodes.find(plan.head());
    NodeReport report = node == null ? null : node.report();
    return report != null && report.head().attachedEpoch() == plan.epoch();
  }
}
