package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.actors.scheduling.SchedulerLimits;
import java.time.Duration;
import java.util.List;

/** A head with a pipeline of its own, which may be lost and built again. */
final class LoneHead {
  private final Simulation simulation;
  private final SchedulerLimits limits;
  private final String name;
  private final HeadProtocol<SimConsumer<LoneHead>> protocol;
  private SimStage stage;
  private int epoch;
  private long lastArrival;
  private boolean alive = true;

  LoneHead(Simulation simulation, SimNetwork network, SchedulerLimits limits, String name) {
    this.simulation = simulation;
    this.limits = limits;
    this.name = name;
    stage = new SimStage(limits);
    protocol =
        new HeadProtocol<>(
            limits,
            simulation::now,
            this::onCommand,
            (_, _) -> "it failed",
            new SimReplies<>(network, name, "gateway"));
    simulation.every(
        Duration.ofMillis(500),
        () -> {
          if (alive) {
            protocol.expire();
          }
        });
  }

  String name() {
    return name;
  }

  HeadProtocol<SimConsumer<LoneHead>> protocol() {
    return protocol;
  }

  boolean alive() {
    return alive;
  }

  /** It dies, and nobody is told. */
  void die() {
    alive = false;
    epoch++;
  }

  void losePipeline() {
    epoch++;
    protocol.scheduler().suspend("the pipeline is lost");
  }

  void attach() {
    epoch++;
    stage = new SimStage(limits);
    protocol.scheduler().resume(limits, List.of());
  }

  private void onCommand(LinkCommand command) {
    int ofEpoch = epoch;
    Duration delay = simulation.between(Duration.ofNanos(50_000), Duration.ofMillis(2));
    lastArrival = Math.max(lastArrival, simulation.now() + delay.toNanos());
    simulation.at(
        lastArrival,
        () -> {
          if (ofEpoch == epoch) {
            arrived(command);
          }
        });
  }

  private void arrived(LinkCommand command) {
    List<RowResult> results = stage.take(command);
    switch (command) {
      case LinkCommand.Open _ -> {}
      case LinkCommand.Step step -> protocol.scheduler().arrived(step.number(), results);
      case LinkCommand.Replay replay -> protocol.scheduler().arrived(replay.number(), results);
      case LinkCommand.Close close -> protocol.scheduler().closed(close.slot());
    }
  }

  void checkEmpty() {
    assertThat(protocol.size()).as("generations live at the end").isZero();
    assertThat(protocol.stats().reservedPages()).as("pages reserved at the end").isZero();
    assertThat(protocol.stats().running() + protocol.stats().waiting()).isZero();
    assertThat(stage.open()).as("slots open at the end").isEqualTo(protocol.stats().resting());
  }
}
