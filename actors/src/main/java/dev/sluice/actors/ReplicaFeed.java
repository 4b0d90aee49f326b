package dev.sluice.actors;

import dev.sluice.actors.kept.KvReplica;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameHandler;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.FrameType;
import dev.sluice.transport.PayloadType;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.LongSupplier;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it, in one epoch, that the next stage has a copy of this stage's keys and values, and
 * gets that copy back where this stage has just been made and has none. For the runner's thread.
 *
 * <p>Frames, all {@link FrameType#KV}: without an entry, this side asks what the keeper has, once
 * and first, with the rows or without them; the keeper answers with a frame for each slot, or
 * several with rows, and ends with one without an entry. From then on this side sends rows: an
 * entry says that the copy of the slot is to be cut to its position, and then goes on with the
 * rows. The keeper answers, with position 0, only where it has given up a slot for lack of room.
 *
 * <p>Nothing is queued: the KV cache itself says what the copy lacks. A copy that is slower than
 * the stage falls behind and catches up later; the stage never waits for it. Whatever goes wrong
 * ends the copying of this epoch, and nothing else. Nothing is allocated per token.
 */
final class ReplicaFeed implements FrameHandler {
  /** The micro-batch number of a question whose answer is to bring the rows. */
  static final long WITH_ROWS = 1;

  /** Longest time without progress that a new stage waits for what it lost. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(ReplicaFeed.class);
  private static final int FRAMES_A_TURN = 16;

  private enum State {
    ASKING,
    LISTENING,
    FEEDING,
    OFF
  }

  private final int epoch;
  private final String name;
  private final StageSlots slots;
  private final ModelShard shard;
  private final FrameSender toKeeper;
  private final FrameReceiver fromKeeper;
  private final MemorySegment buffer;
  private final UnsafeBuffer bytes;
  private final long rowBytes;
  private final int rowsATurn;
  private final LongSupplier clock;
  private final Frame frame = new Frame();

  private State state = State.ASKING;
  private boolean restoring;
  private long restored;
  private long lastProgress;
  private boolean pending;

  /** Of each slot, whose positions the keeper has, and how many. */
  private final long[] copiedOf;

  private final int[] copied;

  /** Of each slot, the sequence that the keeper has no room for. */
  private final long[] refused;

  private int nextSlot;

  /**
   * @param name of the stage
   * @param restores whether this stage has nothing and wants back what the keeper has
   * @param buffer off-heap room for the rows of a frame
   * @param rowsATurn most positions that are sent between two micro-batches; at least as many as
   *     one may add
   * @param clock nanoseconds, ascending
   */
  ReplicaFeed(
      int epoch,
      String name,
      StageSlots slots,
      boolean restores,
      FrameSender toKeeper,
      FrameReceiver fromKeeper,
      MemorySegment buffer,
      int rowsATurn,
      LongSupplier clock) {
    this.epoch = epoch;
    this.name = name;
    this.slots = slots;
    this.shard = slots.shard();
    this.restoring = restores;
    this.toKeeper = toKeeper;
    this.fromKeeper = fromKeeper;
    this.buffer = buffer;
    this.bytes = new UnsafeBuffer(buffer.address(), Math.toIntExact(buffer.byteSize()));
    this.rowBytes = shard.kvRowBytes();
    this.rowsATurn = rowsATurn;
    this.clock = clock;
    lastProgress = clock.getAsLong();
    copiedOf = new long[slots.count()];
    copied = new int[slots.count()];
    refused = new long[slots.count()];
    Arrays.fill(copiedOf, KvReplica.NOBODY);
    Arrays.fill(refused, KvReplica.NOBODY);
    frame.reset(FrameType.KV, epoch, restores ? WITH_ROWS : 0);
  }

  /** Whether the stage is still getting back what it lost, and must wait. */
  boolean restoring() {
    return restoring;
  }

  /** Positions that the stage got back. */
  long restored() {
    return restored;
  }

  /** Goes on, as far as that needs no waiting. */
  int doWork() {
    try {
      int work =
          switch (state) {
            case ASKING -> ask();
            case LISTENING -> fromKeeper.poll(this, FRAMES_A_TURN);
            case FEEDING -> fromKeeper.poll(this, FRAMES_A_TURN) + feed();
            case OFF -> 0;
          };
      if (restoring) {
        checkPatience(work);
      }
      return work;
    } catch (RuntimeException e) {
      end(StageMonitor.describe(e));
      return 0;
    }
  }

  private int ask() {
    if (toKeeper.offer(frame) <= 0) {
      return 0;
    }
    state = State.LISTENING;
    return 1;
  }

  private void checkPatience(int work) {
    long now = clock.getAsLong();
    if (work > 0) {
      lastProgress = now;
    } else if (now - lastProgress > PATIENCE.toNanos()) {
      restoring = false;
      LOG.warn(
          "{}: the copy of its keys and values does not come, in epoch {}: it goes on without",
          name,
          epoch);
    }
  }

  private void end(String reason) {
    state = State.OFF;
    restoring = false;
    LOG.warn("{}: its keys and values are not copied, in epoch {}: {}", name, epoch, reason);
  }

  @Override
  public void onBroken(int brokenEpoch, String reason) {
    if (brokenEpoch == epoch) {
      end(reason);
    }
  }

  @Override
  public boolean onFrame(Frame received) {
    if (received.epoch() != epoch || state == State.OFF) {
      return true;
    }
    if (received.type() != FrameType.KV
        || received.entries() > 1
        || (received.entries() == 1 && received.slot(0) >= copied.length)) {
      end("the keeper sent " + received);
    } else if (received.entries() == 0) {
      restoring = false;
      state = State.FEEDING;
    } else if (state == State.FEEDING) {
      refused[received.slot(0)] = received.microBatch();
    } else {
      learn(received);
    }
    return true;
  }

  /** The keeper tells of a slot, or gives some of it back. */
  private void learn(Frame received) {
    int slot = received.slot(0);
    int start = received.startPosition(0);
    int count = received.tokenCount(0);
    int length = received.payloadLength();
    if (count * rowBytes != length
        || length > buffer.byteSize()
        || start > Integer.MAX_VALUE - count) {
      end("the keeper sent what does not fit: " + received);
      return;
    }
    copiedOf[slot] = received.microBatch();
    copied[slot] = start + count;
    if (restoring && count > 0) {
      received.payloadBuffer().getBytes(received.payloadOffset(), bytes, 0, length);
      restored += slots.restore(slot, received.microBatch(), start, count, buffer) ? count : 0;
    }
  }

  private int feed() {
    int rows = 0;
    while (pending || (rows < rowsATurn && prepare())) {
      pending = toKeeper.offer(frame) <= 0;
      if (pending) {
        return rows;
      }
      rows += 1 + (frame.entries() == 0 ? 0 : frame.tokenCount(0));
    }
    return rows;
  }

  /**
   * Makes a frame of something that the keeper lacks, slots in turn.
   *
   * @return false where it lacks nothing
   */
  private boolean prepare() {
    for (int i = 0; i < copied.length; i++) {
      int slot = nextSlot;
      nextSlot = slot + 1 == copied.length ? 0 : slot + 1;
      long sequence = slots.sequence(slot);
      int positions = sequence == KvReplica.NOBODY ? 0 : shard.positions(slot);
      if (positions == 0) {
        if (copiedOf[slot] != KvReplica.NOBODY) {
          cut(slot);
          return true;
        }
      } else if (refused[slot] != sequence) {
        // Positions that are computed anew get the same bits: those that were copied stay.
        int known = copiedOf[slot] == sequence ? copied[slot] : 0;
        if (known < positions) {
          send(slot, sequence, known, positions);
          return true;
        }
      }
    }
    return false;
  }

  /** The slot holds nothing any more. */
  private void cut(int slot) {
    frame.reset(FrameType.KV, epoch, copiedOf[slot]).addEntry(slot, 0, 0, 0);
    copiedOf[slot] = KvReplica.NOBODY;
    copied[slot] = 0;
    refused[slot] = KvReplica.NOBODY;
  }

  private void send(int slot, long sequence, int from, int positions) {
    int count = (int) Math.min(positions - from, buffer.byteSize() / rowBytes);
    shard.copyKv(slot, from, count, buffer);
    frame
        .reset(FrameType.KV, epoch, sequence)
        .addEntry(slot, from, count, 0)
        .payload(PayloadType.BYTES, 0, bytes, 0, (int) (count * rowBytes));
    copiedOf[slot] = sequence;
    copied[slot] = from + count;
  }
}
