package dev.sluice.actors;

import dev.sluice.actors.kept.KvReplica;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.Transport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.agrona.concurrent.AgentRunner;
import org.jspecify.annotations.Nullable;

/**
 * A stage's part in the copying of keys and values, in one epoch: the feed of its own, and the
 * keeper of those of the stage before it. The copy itself is not closed with it. For one thread.
 */
final class RunningReplica implements AutoCloseable {
  /** Of a frame, about; at least one position goes into one. */
  private static final int FRAME_BYTES = 256 << 10;

  private final Arena arena = Arena.ofShared();
  private final Transport transport;
  private @Nullable FrameReceiver fromKeeper;
  private @Nullable FrameReceiver fromOwner;
  private @Nullable FrameSender toKeeper;
  private @Nullable FrameSender toOwner;
  private @Nullable ReplicaKeeper keeper;
  private @Nullable AgentRunner keeping;

  RunningReplica(Transport transport) {
    this.transport = transport;
  }

  /** Opens the links and starts the keeper's thread. To be closed also when this fails. */
  ReplicaFeed start(
      ShardAssignment assignment,
      ReplicaLinks links,
      StageSlots slots,
      KvReplica copy,
      boolean restores,
      String name) {
    FrameReceiver rows = transport.receiver(links.fromOwner());
    fromOwner = rows;
    FrameReceiver answers = transport.receiver(links.fromKeeper());
    fromKeeper = answers;
    rows.minimumEpoch(assignment.epoch());
    answers.minimumEpoch(assignment.epoch());
    FrameSender told = transport.sender(links.toOwner());
    toOwner = told;
    FrameSender fed = transport.sender(links.toKeeper());
    toKeeper = fed;
    MemorySegment kept = buffer(copy.rowBytes());
    ReplicaKeeper agent =
        new ReplicaKeeper(assignment.stage(), assignment.epoch(), copy, rows, told, kept);
    keeper = agent;
    keeping = Threads.startUnhurried(agent);
    return new ReplicaFeed(
        assignment.epoch(),
        name,
        slots,
        restores,
        fed,
        answers,
        buffer(slots.shard().kvRowBytes()),
        assignment.options().maxRows(),
        System::nanoTime);
  }

  private MemorySegment buffer(long rowBytes) {
    return arena.allocate(Math.max(1, FRAME_BYTES / rowBytes) * rowBytes, 64);
  }

  /**
   * Ends the keeper's thread, takes what has come already, and closes the links. The feed must not
   * be used any more.
   *
   * @throws IllegalStateException when the thread does not end in time: its memory is then left
   *     alone
   */
  @Override
  public void close() {
    if (keeping != null) {
      Threads.close(keeping);
    }
    if (keeper != null) {
      keeper.drain();
    }
    close(fromKeeper);
    close(fromOwner);
    close(toKeeper);
    close(toOwner);
    arena.close();
  }

  private static void close(@Nullable FrameReceiver receiver) {
    if (receiver != null) {
      receiver.close();
    }
  }

  private static void close(@Nullable FrameSender sender) {
    if (sender != null) {
      sender.close();
    }
  }
}
