package dev.sluice.actors.simulation;

import dev.sluice.actors.coordination.NodeId;
import dev.sluice.actors.coordination.PipelineState;
import dev.sluice.actors.gateway.GenerationTracker;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A machine of its own, with consumers; it hears of the pipeline from coordinators. */
final class SimGateway {
  static final String MACHINE = "gateway";

  private static final Duration PAUSE = Duration.ofMillis(11);
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final Simulation simulation;
  private final SimCluster cluster;
  private final List<SimConsumer<NodeId>> consumers = new ArrayList<>();
  private @Nullable PipelineState state;
  private @Nullable NodeId head;
  private boolean reading;

  SimGateway(Simulation simulation, SimCluster cluster) {
    this.simulation = simulation;
    this.cluster = cluster;
    simulation.every(Duration.ofSeconds(1), () -> cluster.subscribe(this));
  }

  List<SimConsumer<NodeId>> consumers() {
    return consumers;
  }

  boolean quiet() {
    return consumers.stream().allMatch(SimConsumer::ended);
  }

  /** A coordinator tells. */
  void on(PipelineState now) {
    state = now;
    if (now.status() == PipelineState.Status.SERVING) {
      head = now.head();
    }
    consumers.forEach(c -> tell(c.tracker(), now));
  }

  private void tell(GenerationTracker<NodeId> tracker, PipelineState now) {
    NodeId known = head;
    switch (now.status()) {
      case SERVING, BUILDING -> {
        // One that lives on keeps its generations; another one is worth asking when it serves.
        if (known != null && known.equals(now.head())) {
          tracker.headAt(known);
        } else {
          tracker.headMissing(now.reason());
        }
      }
      case UNAVAILABLE -> tracker.unavailable(now.reason(), now.retryAfter());
      case CLOSED ->
          tracker.end(new GenerationException(GenerationException.Kind.UNAVAILABLE, now.reason()));
    }
  }

  void begin(TokenRequest request) {
    SimConsumer<NodeId> consumer = new SimConsumer<>(simulation, request, PATIENCE, this::output);
    consumers.add(consumer);
    PipelineState now = state;
    if (now != null) {
      tell(consumer.tracker(), now);
    }
    tick(consumer);
    if (!reading) {
      reading = true;
      simulation.after(PAUSE, this::read);
    }
  }

  private void tick(SimConsumer<NodeId> consumer) {
    if (!consumer.ended()) {
      consumer.tracker().tick();
      simulation.after(GenerationTracker.RETRY, () -> tick(consumer));
    }
  }

  private void read() {
    Random random = simulation.random;
    for (SimConsumer<NodeId> consumer : consumers) {
      consumer.read(random);
      if (random.nextInt(20_000) == 0) {
        consumer.leave();
      }
    }
    reading = !quiet();
    if (reading) {
      simulation.after(PAUSE, this::read);
    }
  }

  private GenerationTracker.Output<NodeId> output(SimConsumer<NodeId> consumer) {
    return new GenerationTracker.Output<>() {
      @Override
      public void submit(
          NodeId to, GenerationId id, TokenRequest request, Resume resume, int granted) {
        toHead(to, head -> head.submit(id, request, resume, granted, consumer));
      }

      @Override
      public void demand(NodeId to, GenerationId id, int granted, int received) {
        toHead(to, head -> head.demand(id, granted, received, consumer));
      }

      @Override
      public void cancel(NodeId to, GenerationId id) {
        toHead(to, head -> head.cancel(id));
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

  /** To the head of a node's life; where there is none, it goes to nobody. */
  private void toHead(NodeId to, Consumer<HeadProtocol<SimConsumer<NodeId>>> message) {
    cluster
        .network()
        .send(
            MACHINE,
            to.name(),
            () -> {
              SimNode node = cluster.life(to);
              if (node != null) {
                node.happens(
                    () -> {
                      HeadProtocol<SimConsumer<NodeId>> head = node.head();
                      if (head != null) {
                        message.accept(head);
                      }
                    });
              }
            });
  }
}
