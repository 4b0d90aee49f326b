package dev.sluice.actors.simulation;

import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.RowResult;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/**
 * A link of frames: everything comes, once and in order, or it breaks. While the machines are cut
 * off from each other frames wait; after a while of that the receiver notices.
 */
final class SimLink {
  private static final Duration TIMEOUT = Duration.ofSeconds(3);
  private static final Duration RETRY = Duration.ofMillis(50);

  /** A command, and what the last stage made of it. */
  record Frame(LinkCommand command, List<RowResult> results) {}

  private final Simulation simulation;
  private final SimNetwork network;
  private final String from;
  private final SimNode to;
  private final Consumer<Frame> receiver;
  private final Runnable onBroken;
  private final ArrayDeque<Frame> waiting = new ArrayDeque<>();
  private boolean moving;
  private boolean closed;

  SimLink(
      Simulation simulation,
      SimNetwork network,
      String from,
      SimNode to,
      Consumer<Frame> receiver,
      Runnable onBroken) {
    this.simulation = simulation;
    this.network = network;
    this.from = from;
    this.to = to;
    this.receiver = receiver;
    this.onBroken = onBroken;
  }

  void send(Frame frame) {
    waiting.addLast(frame);
    if (!moving) {
      moving = true;
      next();
    }
  }

  /** What has not come is lost. */
  void close() {
    closed = true;
    waiting.clear();
  }

  private void next() {
    Duration least = Duration.ofNanos(20_000);
    simulation.after(
        simulation.between(least, Duration.ofMillis(1)), () -> carry(simulation.now()));
  }

  private void carry(long since) {
    if (closed || !to.alive()) {
      return;
    }
    if (!to.answers()) {
      to.happens(() -> carry(simulation.now()));
    } else if (network.connected(from, to.id().name())) {
      receiver.accept(waiting.removeFirst());
      moving = !waiting.isEmpty();
      if (moving) {
        next();
      }
    } else if (simulation.now() - since < TIMEOUT.toNanos()) {
      simulation.after(RETRY, () -> carry(since));
    } else {
      closed = true;
      onBroken.run();
    }
  }
}
