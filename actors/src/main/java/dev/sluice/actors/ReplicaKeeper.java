package dev.sluice.actors;

import dev.sluice.actors.kept.KvReplica;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameHandler;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the copy of another stage's keys and values, in one epoch, on a thread of its own: takes
 * what that stage sends, and tells it, when it asks, what is here, or gives it back. The other side
 * is {@link ReplicaFeed}, which says what the frames are.
 *
 * <p>Whatever goes wrong ends the copying of this epoch, and nothing else.
 */
final class ReplicaKeeper implements Agent, FrameHandler {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicaKeeper.class);
  private static final int FRAMES_A_TURN = 16;

  /** Turns after the end: more than a link holds, should its sender go on. */
  private static final int MOST_LEFT = 1 << 12;

  private final int stage;
  private final int epoch;
  private final KvReplica copy;
  private final FrameReceiver fromOwner;
  private final FrameSender toOwner;
  private final MemorySegment buffer;
  private final UnsafeBuffer bytes;
  private final Frame frame = new Frame();
  private boolean pending;
  private boolean broken;

  /** What is told to the owner, as far as it is. */
  private boolean telling;

  private boolean withRows;
  private int nextSlot;
  private int nextPosition;

  /** Of each slot, the sequence that was given up and whose owner is still to hear of it. */
  private final long[] givenUp;

  private int untold;

  /**
   * @param stage the one that keeps the copy
   * @param buffer off-heap room for the rows of a frame
   */
  ReplicaKeeper(
      int stage,
      int epoch,
      KvReplica copy,
      FrameReceiver fromOwner,
      FrameSender toOwner,
      MemorySegment buffer) {
    this.stage = stage;
    this.epoch = epoch;
    this.copy = copy;
    this.fromOwner = fromOwner;
    this.toOwner = toOwner;
    this.buffer = buffer;
    this.bytes = new UnsafeBuffer(buffer.address(), Math.toIntExact(buffer.byteSize()));
    givenUp = new long[copy.slots()];
    Arrays.fill(givenUp, KvReplica.NOBODY);
  }

  @Override
  public String roleName() {
    return "sluice-replica-" + stage;
  }

  @Override
  public int doWork() {
    if (broken) {
      return 0;
    }
    try {
      if (pending) {
        pending = toOwner.offer(frame) <= 0;
        return pending ? 0 : 1;
      }
      if (telling) {
        tell();
        return 1;
      }
      if (untold > 0) {
        tellGivenUp();
        return 1;
      }
      return fromOwner.poll(this, FRAMES_A_TURN);
    } catch (RuntimeException e) {
      fail(StageMonitor.describe(e));
      return 0;
    }
  }

  /**
   * Takes what has come already, so that nothing of a stage that is lost is lost on the way. For
   * whoever ended the thread.
   */
  void drain() {
    for (int i = 0; i < MOST_LEFT && doWork() > 0; i++) {
      Thread.onSpinWait();
    }
  }

  @Override
  public boolean onFrame(Frame received) {
    if (received.epoch() != epoch) {
      return true;
    }
    if (pending || telling) {
      return false;
    }
    if (received.type() != FrameType.KV || received.entries() > 1) {
      fail("it was sent " + received);
    } else if (received.entries() == 0) {
      telling = true;
      withRows = received.microBatch() == ReplicaFeed.WITH_ROWS;
      nextSlot = 0;
      nextPosition = 0;
    } else {
      keep(received);
    }
    return true;
  }

  @Override
  public void onBroken(int brokenEpoch, String reason) {
    if (brokenEpoch == epoch) {
      fail(reason);
    }
  }

  private void fail(String reason) {
    broken = true;
    LOG.warn(
        "stage {} keeps no copy for the stage before it any more, in epoch {}: {}",
        stage,
        epoch,
        reason);
  }

  private void keep(Frame received) {
    int slot = received.slot(0);
    int start = received.startPosition(0);
    int count = received.tokenCount(0);
    int length = received.payloadLength();
    if (slot >= copy.slots()
        || count * copy.rowBytes() != length
        || length > buffer.byteSize()
        || start > Integer.MAX_VALUE - count) {
      fail("what it was sent does not fit: " + received);
      return;
    }
    received.payloadBuffer().getBytes(received.payloadOffset(), bytes, 0, length);
    if (!copy.put(slot, received.microBatch(), start, count, buffer)) {
      untold += givenUp[slot] == KvReplica.NOBODY ? 1 : 0;
      givenUp[slot] = received.microBatch();
    }
  }

  /** One frame of what is here; the last one says that this was all. */
  private void tell() {
    while (nextSlot < copy.slots() && nextPosition >= copy.positions(nextSlot)) {
      nextSlot++;
      nextPosition = 0;
    }
    if (nextSlot == copy.slots()) {
      frame.reset(FrameType.KV, epoch, 0);
      telling = false;
    } else {
      int left = copy.positions(nextSlot) - nextPosition;
      int count = withRows ? (int) Math.min(left, buffer.byteSize() / copy.rowBytes()) : 0;
      frame
          .reset(FrameType.KV, epoch, copy.sequence(nextSlot))
          .addEntry(nextSlot, withRows ? nextPosition : left, count, 0);
      if (withRows) {
        copy.read(nextSlot, nextPosition, count, buffer);
        frame.payload(PayloadType.BYTES, 0, bytes, 0, (int) (count * copy.rowBytes()));
      }
      nextPosition += withRows ? count : left;
    }
    pending = true;
  }

  private void tellGivenUp() {
    int slot = 0;
    while (givenUp[slot] == KvReplica.NOBODY) {
      slot++;
    }
    frame.reset(FrameType.KV, epoch, givenUp[slot]).addEntry(slot, 0, 0, 0);
    givenUp[slot] = KvReplica.NOBODY;
    untold--;
    pending = true;
  }
}
