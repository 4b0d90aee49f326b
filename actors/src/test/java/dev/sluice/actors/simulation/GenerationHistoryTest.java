package dev.sluice.actors.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.actors.gateway.GenerationTracker;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/**
 * Gateways and heads over a network that loses, doubles, delays and overtakes: heads die and lose
 * their pipelines, consumers read slowly, stop, and go; and each consumer gets every event once and
 * in order. A failure prints the seed, which replays exactly.
 */
final class GenerationHistoryTest {
  private static final int VOCABULARY = 30;
  private static final Duration FAULTS = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(7);
  private static final Duration END = Duration.ofMinutes(10);

  @Property(tries = 600, shrinking = ShrinkingMode.OFF)
  void shouldBringEveryEventOnceAndInOrder(@ForAll long seed) {
    try {
      new History(seed).run();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("history of seed " + seed + ": " + e.getMessage(), e);
    }
  }

  private static final class History {
    private final Simulation simulation;
    private final Random random;
    private final SimNetwork network;
    private final SchedulerLimits limits;
    private final List<SimConsumer<LoneHead>> consumers = new ArrayList<>();
    private LoneHead head;
    private int heads;
    private boolean down;
    private boolean reading;

    History(long seed) {
      simulation = new Simulation(seed);
      random = simulation.random;
      network = new SimNetwork(simulation);
      network.lost = random.nextBoolean() ? random.nextInt(60) : 0;
      network.doubled = random.nextBoolean() ? random.nextInt(100) : 0;
      network.overtakes = random.nextInt(3) == 0;
      limits =
          new SchedulerLimits(
              1 + random.nextInt(4),
              1 + random.nextInt(4),
              100,
              80,
              40,
              4,
              8,
              16,
              8,
              VOCABULARY,
              Duration.ofMinutes(5),
              random.nextBoolean());
      head = newHead();
      head.attach();
    }

    private LoneHead newHead() {
      return new LoneHead(simulation, network, limits, "head" + heads++);
    }

    void run() {
      int requests = 1 + random.nextInt(6);
      for (int i = 0; i < requests; i++) {
        simulation.after(simulation.between(Duration.ZERO, Duration.ofSeconds(5)), this::begin);
      }
      int faults = random.nextInt(6);
      for (int i = 0; i < faults; i++) {
        simulation.after(simulation.between(Duration.ZERO, FAULTS), this::fault);
      }
      simulation.after(FAULTS, network::heal);
      while (consumers.size() < requests || !consumers.stream().allMatch(SimConsumer::ended)) {
        assertThat(simulation.step()).isTrue();
        assertThat(simulation.now()).as("every wait ends").isLessThan(END.toNanos());
      }
      long quiet = simulation.now() + HeadProtocol.LEASE.multipliedBy(2).toNanos();
      while (simulation.now() < quiet) {
        simulation.step();
      }
      head.checkEmpty();
      for (SimConsumer<LoneHead> consumer : consumers) {
        consumer.check(VOCABULARY);
        assertThat(consumer.failure).isNull();
      }
    }

    private void begin() {
      TokenRequest request = SimConsumer.draw(random, VOCABULARY, 40);
      SimConsumer<LoneHead> consumer =
          new SimConsumer<>(simulation, request, Duration.ofMinutes(2), this::output);
      consumers.add(consumer);
      if (!reading) {
        reading = true;
        simulation.after(PAUSE, this::read);
      }
      simulation.every(GenerationTracker.RETRY, consumer.tracker()::tick);
      consumer.tracker().headAt(head);
    }

    private void read() {
      for (SimConsumer<LoneHead> consumer : consumers) {
        consumer.read(random);
        if (simulation.now() < FAULTS.toNanos() && random.nextInt(8_000) == 0) {
          consumer.leave();
        }
      }
      reading = !consumers.stream().allMatch(SimConsumer::ended);
      if (reading) {
        simulation.after(PAUSE, this::read);
      }
    }

    private void fault() {
      switch (random.nextInt(4)) {
        case 0, 1 -> {
          if (!down && head.alive()) {
            down = true;
            head.losePipeline();
            LoneHead of = head;
            simulation.after(
                simulation.between(Duration.ofMillis(1), Duration.ofSeconds(5)),
                () -> {
                  if (of == head) {
                    down = false;
                    of.attach();
                  }
                });
          }
        }
        case 2 -> dieAndBeReplaced();
        default -> {
          network.cutOff(head.name(), true);
          String cut = head.name();
          simulation.after(
              simulation.between(Duration.ofMillis(1), Duration.ofSeconds(40)),
              () -> network.cutOff(cut, false));
        }
      }
    }

    /** Gateways hear of it some time later, and of the new one some time after that. */
    private void dieAndBeReplaced() {
      if (random.nextBoolean()) {
        head.die();
      } else {
        head.protocol().leave();
        head.die();
      }
      LoneHead next = newHead();
      head = next;
      down = false;
      next.attach();
      Duration heard = simulation.between(Duration.ZERO, Duration.ofSeconds(3));
      if (random.nextBoolean()) {
        consumers.forEach(c -> c.tracker().headMissing("the head is gone"));
      }
      simulation.after(
          heard,
          () -> {
            if (next == head) {
              consumers.forEach(c -> c.tracker().headAt(next));
            }
          });
    }

    private GenerationTracker.Output<LoneHead> output(SimConsumer<LoneHead> consumer) {
      return new GenerationTracker.Output<>() {
        @Override
        public void submit(
            LoneHead to, GenerationId id, TokenRequest request, Resume resume, int granted) {
          toHead(to, () -> to.protocol().submit(id, request, resume, granted, consumer));
        }

        @Override
        public void demand(LoneHead to, GenerationId id, int granted, int received) {
          toHead(to, () -> to.protocol().demand(id, granted, received, consumer));
        }

        @Override
        public void cancel(LoneHead to, GenerationId id) {
          toHead(to, () -> to.protocol().cancel(id));
        }

        @Override
        public void emit(TokenEvent event) {
          consumer.emit(event);
        }

        @Override
        public void fail(GenerationException reason) {
          consumer.fail(reason);
        }
      };
    }

    private void toHead(LoneHead to, Runnable message) {
      network.send(
          "gateway",
          to.name(),
          () -> {
            if (to.alive()) {
              message.run();
            }
          });
    }
  }
}
