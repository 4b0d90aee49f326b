package dev.sluice.actors;

import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.model.shard.LayerRange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The monitors of a node's stages. They live as long as the node has the same stages, over epochs.
 * The node's actor writes; any thread reads.
 */
public final class NodeMonitors {
  private final String where;
  private volatile State state =
      new State(0, null, new BusyTracker(1, System.nanoTime()), List.of());

  /**
   * @param plan of the epoch; null for none
   * @param monitors of the stages here, ascending
   */
  private record State(
      int epoch, @Nullable EpochPlan plan, BusyTracker overlap, List<StageMonitor> monitors) {}

  /**
   * @param where what follows a stage's name, such as {@code " on node1:2551"}
   */
  public NodeMonitors(String where) {
    this.where = where;
  }

  /** The node has these stages of the plan now. */
  void host(int epoch, @Nullable EpochPlan plan, List<Integer> stages) {
    State before = state;
    if (plan == null || stages.isEmpty() || same(before.monitors, plan, stages)) {
      state = new State(epoch, plan, before.overlap, before.monitors);
      return;
    }
    BusyTracker overlap = new BusyTracker(stages.size(), System.nanoTime());
    List<StageMonitor> monitors = new ArrayList<>();
    for (int stage : stages) {
      monitors.add(new StageMonitor(stage, plan.stages().get(stage).range(), where, overlap));
    }
    state = new State(epoch, plan, overlap, List.copyOf(monitors));
  }

  private static boolean same(List<StageMonitor> had, EpochPlan plan, List<Integer> stages) {
    boolean same = had.size() == stages.size();
    for (int i = 0; same && i < stages.size(); i++) {
      StageMonitor monitor = had.get(i);
      LayerRange range = plan.stages().get(stages.get(i)).range();
      same = monitor.stage() == stages.get(i) && monitor.range().equals(range);
    }
    return same;
  }

  /** The monitor of a stage that is here. */
  StageMonitor of(int stage) {
    for (StageMonitor monitor : state.monitors) {
      if (monitor.stage() == stage) {
        return monitor;
      }
    }
    throw new IllegalArgumentException("stage " + stage + " is not here");
  }

  int epoch() {
    return state.epoch;
  }

  List<PipelineStats.Stage> stages() {
    return state.monitors.stream().map(StageMonitor::snapshot).toList();
  }

  /** How long exactly k stages were busy, for every k from 0. */
  List<Long> overlapNanos(long now) {
    return state.overlap.nanos(now);
  }

  /** What a failure of a stage, here or elsewhere, was, for the one who asked. */
  String failureText(int stage, int failure) {
    State current = state;
    for (StageMonitor monitor : current.monitors) {
      if (monitor.stage() == stage) {
        return monitor.name() + Failures.text(failure, monitor.lastFailure());
      }
    }
    EpochPlan plan = current.plan;
    if (plan == null || stage < 0 || stage >= plan.stages().size()) {
      return "stage " + stage + " failed with code " + failure;
    }
    var place = plan.stages().get(stage);
    String text = Failures.text(failure, "the log of that node says how");
    return "stage " + stage + " (layers " + place.range() + ") on " + place.node() + text;
  }
}
