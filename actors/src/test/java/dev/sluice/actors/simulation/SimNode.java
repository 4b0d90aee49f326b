package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.coordination.Attachment;
import dev.sluice.actors.coordination.Coordination;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeDuties;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeOutput;
import dev.sluice.actors.coordination.NodeReport;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.model.cache.KvUsage;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One life of a node: its duties, its stages, the head when it has it, and the coordinator when it
 * has that. May be stopped for a while, and may die; what is meant for it comes late then, or
 * never.
 */
final class SimNode implements NodeOutput {
  private static final int PAGES = 40;

  private final Simulation simulation;
  private final SimCluster cluster;
  private final NodeId id;
  private final NodeDuties duties;
  private final Map<Integer, SimStage> stages = new HashMap<>();
  private final Map<Integer, SimLink> links = new HashMap<>();
  private @Nullable HeadProtocol<SimConsumer<NodeId>> head;
  private @Nullable EpochPlan serves;
  @Nullable Coordination coordination;
  private boolean alive = true;
  private long stoppedUntil;
  private boolean reporting;

  SimNode(Simulation simulation, SimCluster cluster, NodeId id) {
    this.simulation = simulation;
    this.cluster = cluster;
    this.id = id;
    duties = new NodeDuties(id, this);
    every(Duration.ofSeconds(1), this::changed);
    every(Duration.ofMillis(500), this::tick);
    changed();
  }

  NodeId id() {
    return id;
  }

  NodeDuties duties() {
    return duties;
  }

  @Nullable HeadProtocol<SimConsumer<NodeId>> head() {
    return head;
  }

  boolean alive() {
    return alive;
  }

  /** Whether others would hear of it. */
  boolean answers() {
    return alive && simulation.now() >= stoppedUntil;
  }

  void die() {
    alive = false;
  }

  /** As a process that gets a stop signal: time goes by, and it does not notice. */
  void stop(Duration time) {
    stoppedUntil = Math.max(stoppedUntil, simulation.now() + time.toNanos());
  }

  /** Something happens at this node: now, when it goes on, or never. */
  void happens(Runnable action) {
    if (answers()) {
      action.run();
    } else if (alive) {
      simulation.at(stoppedUntil, () -> happens(action));
    }
  }

  private void every(Duration period, Runnable action) {
    if (alive) {
      happens(action);
      simulation.after(period, () -> every(period, action));
    }
  }

  private void later(Duration delay, Runnable action) {
    simulation.after(delay, () -> happens(action));
  }

  private void soon(Runnable action) {
    later(Duration.ofMillis(1), action);
  }

  private void tick() {
    HeadProtocol<SimConsumer<NodeId>> scheduler = head;
    EpochPlan plan = serves;
    if (scheduler != null) {
      scheduler.expire();
      if (plan != null
          && scheduler.scheduler().oldestStepNanos() > plan.sizes().stepTimeout().toNanos()) {
        headBroken(plan.epoch(), "a micro-batch did not come back");
      }
    }
    if (coordination != null) {
      coordination.tick();
    }
    if (duties.relieved()) {
      die();
    }
  }

  private void headBroken(int epoch, String reason) {
    EpochPlan plan = serves;
    HeadProtocol<SimConsumer<NodeId>> scheduler = head;
    if (plan != null && scheduler != null && plan.epoch() == epoch) {
      serves = null;
      scheduler.scheduler().suspend(reason);
      duties.headFailed(epoch, reason);
    }
  }

  /** A stage ends by itself. */
  void loseStage(int stage) {
    EpochPlan plan = duties.plan();
    if (plan != null && stages.remove(stage) != null) {
      duties.stageEnded(plan.epoch(), stage, StageReport.State.LOST, "lost by the history");
    }
  }

  @Override
  public void host(EpochPlan plan, List<Integer> mine) {
    hostNothing();
    for (int stage : mine) {
      SchedulerLimits limits = limits(plan, PAGES);
      KvUsage kv = new KvUsage(0, PAGES, plan.sizes().pageTokens(), 0, PAGES);
      Duration loading = simulation.between(Duration.ofMillis(2), Duration.ofMillis(400));
      later(
          loading,
          () -> {
            if (duties.epoch() == plan.epoch()) {
              stages.put(stage, new SimStage(limits));
              duties.stageReady(plan.epoch(), StageReport.ready(stage, kv, List.of()));
            }
          });
    }
  }

  @Override
  public void hostNothing() {
    stages.clear();
    links.values().forEach(SimLink::close);
    links.clear();
  }

  @Override
  public void startHead(EpochPlan plan) {
    head =
        new HeadProtocol<>(
            limits(plan, PAGES),
            simulation::now,
            this::toFirstStage,
            (_, _) -> "it failed",
            new SimReplies<>(cluster.network(), id.name(), SimGateway.MACHINE));
  }

  @Override
  public void suspendHead(String reason) {
    serves = null;
    HeadProtocol<SimConsumer<NodeId>> scheduler = head;
    if (scheduler != null) {
      scheduler.scheduler().suspend(reason);
    }
  }

  @Override
  public void attachHead(EpochPlan plan, Attachment attachment) {
    soon(
        () -> {
          HeadProtocol<SimConsumer<NodeId>> scheduler = head;
          if (scheduler != null && duties.epoch() == plan.epoch()) {
            serves = plan;
            scheduler
                .scheduler()
                .resume(limits(plan, attachment.capacityPages()), attachment.kept());
            duties.headAttached(plan.epoch());
          }
        });
  }

  @Override
  public void dropHead() {
    HeadProtocol<SimConsumer<NodeId>> scheduler = head;
    head = null;
    serves = null;
    if (scheduler != null) {
      scheduler.leave();
    }
  }

  @Override
  public void changed() {
    if (!reporting) {
      reporting = true;
      soon(
          () -> {
            reporting = false;
            NodeReport report = duties.report(cluster.resources(id), NodeLoad.NONE);
            cluster.toCoordinator(this, c -> c.report(report));
          });
    }
  }

  private static SchedulerLimits limits(EpochPlan plan, int pages) {
    PipelineSizes sizes = plan.sizes();
    return new SchedulerLimits(
        plan.stages().size(),
        sizes.maxSequences(),
        sizes.maxWaiting(),
        sizes.contextTokens(),
        pages,
        sizes.pageTokens(),
        sizes.prefillChunk(),
        sizes.tokenBudget(),
        sizes.maxLogitRows(),
        sizes.vocabularySize(),
        sizes.queueTimeout(),
        sizes.prefixCache());
  }

  private void toFirstStage(LinkCommand command) {
    EpochPlan plan = serves;
    assertThat(plan).as("a command without a pipeline").isNotNull();
    if (plan != null) {
      send(plan, 0, new SimLink.Frame(command, List.of()));
    }
  }

  /** To stage i, or behind the last one to the head. */
  private void send(EpochPlan plan, int to, SimLink.Frame frame) {
    boolean back = to == plan.stages().size();
    SimNode target = cluster.life(back ? plan.head() : plan.stages().get(to).node());
    if (target == null) {
      return;
    }
    // The head's own link and the first stage's outbound one are both of this node.
    links
        .computeIfAbsent(
            to,
            _ ->
                new SimLink(
                    simulation,
                    cluster.network(),
                    id.name(),
                    target,
                    f -> target.arrived(plan, to, f),
                    () -> target.linkBroken(plan, to)))
        .send(frame);
  }

  private void arrived(EpochPlan plan, int at, SimLink.Frame frame) {
    if (at == plan.stages().size()) {
      cameBack(plan, frame);
      return;
    }
    SimStage stage = duties.epoch() == plan.epoch() ? stages.get(at) : null;
    if (stage != null) {
      List<RowResult> results = stage.take(frame.command());
      send(plan, at + 1, new SimLink.Frame(frame.command(), results));
    }
  }

  private void cameBack(EpochPlan plan, SimLink.Frame frame) {
    HeadProtocol<SimConsumer<NodeId>> scheduler = head;
    EpochPlan served = serves;
    if (scheduler != null && served != null && served.epoch() == plan.epoch()) {
      switch (frame.command()) {
        case LinkCommand.Open _ -> {}
        case LinkCommand.Step step -> scheduler.scheduler().arrived(step.number(), frame.results());
        case LinkCommand.Replay _ -> throw new AssertionError("nothing was kept");
        case LinkCommand.Close close -> scheduler.scheduler().closed(close.slot());
      }
    }
  }

  private void linkBroken(EpochPlan plan, int at) {
    if (duties.epoch() != plan.epoch()) {
      return;
    }
    if (at == plan.stages().size()) {
      headBroken(plan.epoch(), "the token link is broken");
    } else {
      stages.remove(at);
      duties.stageEnded(plan.epoch(), at, StageReport.State.LOST, "its link is broken");
    }
  }

  /** Slots that its stages hold. */
  int openSlots() {
    return stages.values().stream().mapToInt(SimStage::open).sum();
  }
}
