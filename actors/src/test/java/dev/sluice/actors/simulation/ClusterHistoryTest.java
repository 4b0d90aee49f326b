package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.coordination.Coordination;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.PipelineSizes;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.model.cache.KvType;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Clusters whose nodes die, stop, are cut off and come back, coordinator and head among them, over
 * a network that loses and doubles messages: every stream ends with the tokens of a run without
 * faults, nothing comes twice, nothing is left behind, and every wait ends.
 *
 * <p>A failure prints the seed of its history and what happened in it; {@code
 * -Dsluice.simulation.seed=N} runs that one alone, {@code -Dsluice.simulation.histories=N} so many.
 */
final class ClusterHistoryTest {
  private static final int HISTORIES = Integer.getInteger("sluice.simulation.histories", 400);
  private static final int VOCABULARY = 30;
  private static final int LAYERS = 6;
  private static final Duration FAULTS = Duration.ofSeconds(25);
  private static final Duration END = Duration.ofMinutes(8);

  @Test
  void shouldEndEveryStreamWithTheTokensOfAnUndisturbedRun() {
    Long only = Long.getLong("sluice.simulation.seed");
    int ended = 0;
    for (long seed = only == null ? 0 : only;
        seed < (only == null ? HISTORIES : only + 1);
        seed++) {
      History history = new History(seed);
      try {
        ended += history.run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "history of seed " + seed + ": " + e.getMessage() + history.cluster.log(), e);
      }
    }
    assertThat(ended)
        .as("streams that ended in good order")
        .isGreaterThan(only == null ? HISTORIES : -1);
  }

  private static final class History {
    private final Simulation simulation;
    private final Random random;
    private final SimNetwork network;
    private final SimCluster cluster;
    private final SimGateway gateway;

    History(long seed) {
      simulation = new Simulation(seed);
      random = simulation.random;
      network = new SimNetwork(simulation);
      network.lost = random.nextInt(3) == 0 ? random.nextInt(40) : 0;
      network.doubled = random.nextInt(3) == 0 ? random.nextInt(40) : 0;
      int sequences = 1 + random.nextInt(4);
      PipelineSizes sizes =
          new PipelineSizes(
              8,
              VOCABULARY,
              80,
              160,
              KvType.F16,
              4,
              sequences,
              100,
              8,
              16,
              8,
              16,
              Duration.ofMinutes(5),
              Duration.ofSeconds(10),
              false,
              random.nextBoolean());
      cluster = new SimCluster(simulation, network, new SimPlacement(LAYERS, sizes));
      gateway = new SimGateway(simulation, cluster);
      int machines = 2 + random.nextInt(4);
      for (int i = 0; i < machines; i++) {
        cluster.machine("m" + i, Math.ceilDiv(LAYERS, machines) + random.nextInt(LAYERS));
      }
    }

    int run() {
      int requests = 1 + random.nextInt(6);
      for (int i = 0; i < requests; i++) {
        simulation.after(
            simulation.between(Duration.ofSeconds(2), Duration.ofSeconds(20)),
            () -> gateway.begin(SimConsumer.draw(random, VOCABULARY, 40)));
      }
      int faults = random.nextInt(8);
      for (int i = 0; i < faults; i++) {
        simulation.after(simulation.between(Duration.ofSeconds(3), FAULTS), this::fault);
      }
      simulation.after(FAULTS.plus(SimCluster.REMOVED), network::heal);
      while (gateway.consumers().size() < requests || !gateway.quiet()) {
        step();
      }
      List<SimConsumer<NodeId>> consumers = gateway.consumers();
      long quiet =
          Math.max(simulation.now(), FAULTS.toNanos())
              + HeadProtocol.LEASE.plus(Duration.ofSeconds(60)).toNanos();
      while (simulation.now() < quiet) {
        step();
      }
      consumers.forEach(c -> c.check(VOCABULARY));
      consumers.forEach(History::checkFailure);
      checkRest();
      return (int) consumers.stream().filter(c -> c.failure == null && !c.gone).count();
    }

    private void step() {
      assertThat(simulation.step()).isTrue();
      assertThat(simulation.now()).as("every wait ends").isLessThan(END.toNanos());
    }

    /** Only one that had not begun may be refused, and is told when to try again. */
    private static void checkFailure(SimConsumer<NodeId> consumer) {
      if (consumer.failure != null) {
        assertThat(consumer.events).as("%s", consumer.failure).isEmpty();
        assertThat(consumer.failure.retryAfter()).as("%s", consumer.failure).isPresent();
      }
    }

    /** Faults are over: the pipeline runs, and nothing is left in it but what rests. */
    private void checkRest() {
      int heads = 0;
      int open = 0;
      int resting = 0;
      for (String machine : cluster.machines()) {
        SimNode node = Objects.requireNonNull(cluster.on(machine), machine);
        open += node.openSlots();
        HeadProtocol<SimConsumer<NodeId>> head = node.head();
        if (head != null) {
          heads++;
          assertThat(head.size()).as("generations live on %s", machine).isZero();
          assertThat(head.stats().reservedPages()).as("pages reserved").isZero();
          assertThat(head.stats().running() + head.stats().waiting()).isZero();
          EpochPlan plan = Objects.requireNonNull(node.duties().plan());
          assertThat(plan.head()).isEqualTo(node.id());
          resting += plan.stages().size() * head.stats().resting();
        }
      }
      assertThat(open).as("slots open at the end").isEqualTo(resting);
      assertThat(heads).as("heads").isEqualTo(1);
    }

    private void fault() {
      List<String> machines = cluster.machines();
      String machine = machines.get(random.nextInt(machines.size()));
      SimNode node = cluster.on(machine);
      if (node == null) {
        return;
      }
      Duration time = simulation.between(Duration.ofMillis(100), Duration.ofSeconds(12));
      switch (random.nextInt(7)) {
        case 0, 1 -> {
          cluster.note(machine + " dies");
          node.die();
        }
        case 2 -> {
          cluster.note(machine + " is stopped for " + time);
          node.stop(time);
        }
        case 3 -> {
          cluster.note(machine + " is cut off for " + time);
          network.cutOff(machine, true);
          simulation.after(time, () -> network.cutOff(machine, false));
        }
        case 4 -> {
          cluster.note(machine + " loses a stage");
          node.loseStage(random.nextInt(3));
        }
        case 5 -> {
          cluster.note(machine + " wants to leave");
          node.duties().leave();
        }
        default -> {
          Coordination coordination = node.coordination;
          if (coordination != null) {
            cluster.note("rebalance: " + coordination.rebalance());
          } else {
            cluster.note("the gateway is cut off");
            network.cutOff(SimGateway.MACHINE, true);
            simulation.after(
                Duration.ofSeconds(3), () -> network.cutOff(SimGateway.MACHINE, false));
          }
        }
      }
    }
  }
}
