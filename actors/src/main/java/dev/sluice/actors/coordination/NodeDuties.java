package dev.sluice.actors.coordination;

import dev.sluice.actors.weights.FetchProgress;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one node does: takes orders, refuses those of older epochs, and keeps the report. A plain
 * state machine, for one thread. What a stage or the head tells of an epoch that is over is
 * ignored.
 */
public final class NodeDuties {
  private final NodeId self;
  private final NodeOutput output;
  private final TreeMap<Integer, StageReport> stages = new TreeMap<>();

  private int epoch;
  private @Nullable EpochPlan plan;
  private HeadReport head = HeadReport.NONE;
  private int attaching;
  private boolean leaving;
  private long sequence;

  public NodeDuties(NodeId self, NodeOutput output) {
    this.self = self;
    this.output = output;
  }

  /** A coordinator tells what this node is to do. */
  public void order(NodeOrder order) {
    if (order.epoch() > epoch) {
      begin(order);
    } else if (order.epoch() < epoch || !Objects.equals(order.plan(), plan)) {
      output.changed();
      return;
    }
    attach(order);
  }

  private void begin(NodeOrder order) {
    epoch = order.epoch();
    plan = order.plan();
    attaching = 0;
    if (head.attachedEpoch() != 0) {
      head = new HeadReport(true, 0, head.failedEpoch(), head.reason());
      output.suspendHead(order.reason());
    }
    boolean isHead = self.equals(order.head());
    if (head.present() && !isHead) {
      head = HeadReport.NONE;
      output.dropHead();
    }
    stages.clear();
    EpochPlan next = order.plan();
    if (next == null) {
      output.hostNothing();
    } else {
      if (isHead && !head.present()) {
        head = new HeadReport(true, 0, 0, "");
        output.startHead(next);
      }
      List<Integer> mine = next.stagesOf(self);
      mine.forEach(i -> stages.put(i, StageReport.loading(i, null)));
      if (mine.isEmpty()) {
        output.hostNothing();
      } else {
        output.host(next, mine);
      }
    }
    output.changed();
  }

  private void attach(NodeOrder order) {
    Attachment attachment = order.attachment();
    EpochPlan current = plan;
    boolean wanted =
        attachment != null
            && head.present()
            && self.equals(order.head())
            && head.failedEpoch() != epoch
            && attaching != epoch;
    if (wanted && current != null) {
      attaching = epoch;
      output.attachHead(current, Objects.requireNonNull(attachment));
    }
  }

  /** A stage's weights have come so far. */
  public void stageLoading(int ofEpoch, int stage, FetchProgress progress) {
    StageReport known = stages.get(stage);
    if (ofEpoch == epoch && known != null && known.state() == StageReport.State.LOADING) {
      stages.put(stage, StageReport.loading(stage, progress));
    }
  }

  /** A stage polls its link. */
  public void stageReady(int ofEpoch, StageReport ready) {
    if (ofEpoch == epoch && stages.containsKey(ready.stage())) {
      stages.put(ready.stage(), ready);
      output.changed();
    }
  }

  /** A stage could not be loaded, or cannot go on. */
  public void stageEnded(int ofEpoch, int stage, StageReport.State how, String reason) {
    StageReport known = stages.get(stage);
    if (ofEpoch == epoch && known != null) {
      stages.put(stage, known.ended(how, reason));
      output.changed();
    }
  }

  /** The scheduler serves the stages of an epoch. */
  public void headAttached(int ofEpoch) {
    if (ofEpoch == epoch && head.present()) {
      head = new HeadReport(true, epoch, head.failedEpoch(), head.reason());
      output.changed();
    }
  }

  /** The scheduler's side has failed in an epoch; its sequences are still there. */
  public void headFailed(int ofEpoch, String reason) {
    if (ofEpoch == epoch && head.present()) {
      head = new HeadReport(true, 0, epoch, reason);
      output.changed();
    }
  }

  /** The scheduler has ended, and its sequences with it. */
  public void headEnded(String reason) {
    if (head.present()) {
      head = new HeadReport(false, 0, epoch, reason);
      output.changed();
    }
  }

  /** The node wants to be relieved of everything. */
  public void leave() {
    if (!leaving) {
      leaving = true;
      output.changed();
    }
  }

  /** Whether it wanted to be, and is. */
  public boolean relieved() {
    EpochPlan current = plan;
    boolean used = current != null && current.uses(self);
    return leaving && !used && !head.present();
  }

  /** The pipeline that this node knows; null for none. */
  public @Nullable EpochPlan plan() {
    return plan;
  }

  /** The highest epoch that this node knows. */
  public int epoch() {
    return epoch;
  }

  /**
   * The present report.
   *
   * @param load of the stages that are here, and of others, which are left out
   */
  public NodeReport report(NodeResources resources, NodeLoad load) {
    sequence++;
    NodeLoad ofHead = head.present() ? load : NodeLoad.NONE;
    return new NodeReport(
        self,
        sequence,
        resources,
        leaving,
        epoch,
        plan,
        List.copyOf(stages.values()),
        head,
        new NodeLoad(
            load.stages().stream().filter(s -> stages.containsKey(s.stage())).toList(),
            ofHead.running(),
            ofHead.waiting(),
            ofHead.recoveries(),
            ofHead.recomputedTokens(),
            ofHead.replayedTokens()));
  }
}
