package dev.sluice.actors;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameHandler;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.PayloadType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A stage's thread: takes a frame from the inbound link, runs the shard's layers over it, hands the
 * result on, and only then takes the next. A full output therefore fills the inbound link, and so
 * on up to the head.
 *
 * <p>Openings and closings go through in order; a closing frees the slot's KV pages on its way. An
 * exception of the shard fails the entries of that micro-batch and nothing else. A slot that failed
 * stays failed until it is closed or opened anew: its cache has a hole, and later chunks of the
 * same sequence may be in flight already.
 *
 * <p>An opening may say that the slot's sequence goes on at a position, and which stages have to
 * compute what is before it again. These get it as replayed micro-batches: a stage that is to
 * compute them gets rows and computes; one whose successor is to, adds the rows from its log; all
 * others only pass them on.
 *
 * <p>Nothing is allocated per token.
 */
final class ShardRunner implements Agent, FrameHandler {
  /** What the runner tells its actor; called on the runner's thread. */
  interface Listener {
    /**
     * The runner polls its link from now on.
     *
     * @param held slots that are not empty
     * @param restored positions of them that came back from the copy of a stage that is lost
     */
    void onReady(List<HeldSlot> held, long restored);

    /** The shard threw; the runner goes on. */
    void onShardError(Throwable cause);

    /** The runner cannot go on. */
    void onBroken(String reason);
  }

  /**
   * What a micro-batch may have.
   *
   * @param maxSequences slots, and entries
   * @param maxRows tokens
   * @param maxLogitRows rows of logits
   */
  record Limits(int maxSequences, int maxRows, int maxLogitRows) {}

  private final int stage;
  private final int epoch;
  private final boolean first;
  private final int width;
  private final StageSlots slots;
  private final @Nullable ReplicaFeed replica;
  private final ModelShard shard;
  private final FrameReceiver receiver;
  private final StageOutput output;
  private final MemorySegment input;
  private final UnsafeBuffer inputBytes;
  private final Limits limits;
  private final StageMonitor monitor;
  private final Listener listener;

  /** Failure bits of each slot, 0 for none. */
  private final int[] failures;

  /** Of each slot, the stages that compute again what is replayed. */
  private final int[] rebuilt;

  private boolean ready;
  private boolean staged;
  private boolean replayed;
  private long microBatch;
  private boolean broken;

  /**
   * A runner for one epoch.
   *
   * @param width elements of a row of activations
   * @param replica copies keys and values to the next stage; null where they are not copied
   * @param input off-heap room for the rows of the largest micro-batch
   */
  ShardRunner(
      int stage,
      int epoch,
      int width,
      StageSlots slots,
      @Nullable ReplicaFeed replica,
      FrameReceiver receiver,
      StageOutput output,
      MemorySegment input,
      Limits limits,
      StageMonitor monitor,
      Listener listener) {
    this.stage = stage;
    this.epoch = epoch;
    this.first = stage == 0;
    this.width = width;
    this.slots = slots;
    this.replica = replica;
    this.shard = slots.shard();
    this.receiver = receiver;
    this.output = output;
    this.input = input;
    this.inputBytes = new UnsafeBuffer(input.address(), Math.toIntExact(input.byteSize()));
    this.limits = limits;
    this.monitor = monitor;
    this.listener = listener;
    this.failures = new int[limits.maxSequences()];
    this.rebuilt = new int[limits.maxSequences()];
  }

  @Override
  public String roleName() {
    return "sluice-shard-" + stage;
  }

  @Override
  public int doWork() {
    if (broken) {
      return 0;
    }
    try {
      int work = ready || becomesReady() ? takeOne() : 0;
      return work + (replica == null ? 0 : replica.doWork());
    } catch (RuntimeException e) {
      fail(StageMonitor.describe(e));
      return 0;
    }
  }

  /** A new stage waits until it has got back what it lost. */
  private boolean becomesReady() {
    if (replica != null && replica.restoring()) {
      return false;
    }
    ready = true;
    listener.onReady(slots.held(), replica == null ? 0 : replica.restored());
    return true;
  }

  /** Takes one frame, where there is room for what comes of it. */
  private int takeOne() {
    if (!output.flush() || !output.acquire()) {
      return 0;
    }
    int work = receiver.poll(this, 1);
    if (staged) {
      staged = false;
      if (replayed) {
        replay();
      } else {
        compute();
        output.publish(epoch, microBatch);
      }
    }
    output.flush();
    return work;
  }

  @Override
  public boolean onFrame(Frame frame) {
    if (frame.epoch() != epoch) {
      return true;
    }
    return switch (frame.type()) {
      case STEP -> {
        monitor.arrived(frame.sentNanos(), System.nanoTime());
        stage(frame, true);
        yield true;
      }
      case REPLAY -> {
        stageReplay(frame);
        yield true;
      }
      case OPEN -> output.open(frame) && opened(frame);
      case CLOSE -> output.close(frame) && closed(frame);
      case TOKENS, KV -> {
        fail("a frame of type " + frame.type() + " came on a link between stages");
        yield true;
      }
    };
  }

  @Override
  public void onBroken(int brokenEpoch, String reason) {
    if (brokenEpoch == epoch) {
      fail(reason);
    }
  }

  private void fail(String reason) {
    if (!broken) {
      broken = true;
      listener.onBroken(monitor.name() + ": " + reason);
    }
  }

  /** The first entry is the sequence; a second one tells from which slot it has its beginning. */
  private boolean opened(Frame frame) {
    int slot = frame.slot(0);
    if (slot < failures.length) {
      failures[slot] = 0;
      rebuilt[slot] = frame.flags(0);
      if (frame.entries() > 1) {
        slots.share(slot, frame.microBatch(), frame.slot(1), frame.tokenCount(1));
      } else {
        slots.open(slot, frame.microBatch(), rebuilds(slot, stage) ? 0 : frame.startPosition(0));
      }
    }
    return true;
  }

  private boolean closed(Frame frame) {
    for (int i = 0; i < frame.entries(); i++) {
      int slot = frame.slot(i);
      if (slot < failures.length) {
        failures[slot] = 0;
        slots.close(slot);
      }
    }
    return true;
  }

  private boolean rebuilds(int slot, int ofStage) {
    return KeptSlot.rebuilds(rebuilt[slot], ofStage);
  }

  private void stageReplay(Frame frame) {
    if (frame.entries() != 1
        || frame.slot(0) >= rebuilt.length
        || (frame.flags(0) & (MicroBatch.LAST_LOGITS | MicroBatch.ALL_LOGITS)) != 0) {
      fail("a replayed micro-batch is of one sequence and without logits: " + frame);
      return;
    }
    stage(frame, rebuilds(frame.slot(0), stage));
    replayed = true;
  }

  /**
   * Copies the frame out of the link.
   *
   * @param withRows whether it has a payload
   */
  private void stage(Frame frame, boolean withRows) {
    MicroBatch batch = output.batch();
    if (frame.entries() > limits.maxSequences()) {
      fail("a micro-batch of " + frame.entries() + " entries is too large");
      return;
    }
    long rows = 0;
    for (int i = 0; i < frame.entries(); i++) {
      rows += frame.tokenCount(i);
    }
    int elements = first ? 1 : width;
    PayloadType type = !withRows ? PayloadType.NONE : first ? PayloadType.I32 : PayloadType.F32;
    if (rows > limits.maxRows()
        || frame.payloadType() != type
        || frame.payloadLength() != (withRows ? rows * Integer.BYTES * elements : 0)
        || frame.width() != (withRows ? elements : 0)) {
      fail("a frame does not fit: " + frame + " for " + rows + " rows of " + width);
      return;
    }
    for (int i = 0; i < frame.entries(); i++) {
      batch.add(frame.slot(i), frame.startPosition(i), frame.tokenCount(i), frame.flags(i));
    }
    if (batch.logitRows() > limits.maxLogitRows()) {
      fail("a micro-batch wants " + batch.logitRows() + " rows of logits, which is too many");
      return;
    }
    frame.payloadBuffer().getBytes(frame.payloadOffset(), inputBytes, 0, frame.payloadLength());
    microBatch = frame.microBatch();
    staged = true;
    replayed = false;
  }

  /** Passes on what went through before, and computes it where this stage has lost it. */
  private void replay() {
    MicroBatch batch = output.batch();
    int slot = batch.slot(0);
    boolean rows = rebuilds(slot, stage + 1);
    if (rebuilds(slot, stage)) {
      compute();
    } else {
      markFailedSlots(batch);
      rememberFailedSlots(batch);
      if (rows && !batch.failed(0)) {
        slots.replay(slot, batch.startPosition(0), batch.tokenCount(0), output.buffer());
      }
    }
    output.replay(epoch, microBatch, rows);
  }

  private void compute() {
    MicroBatch batch = output.batch();
    markFailedSlots(batch);
    long begun = System.nanoTime();
    monitor.begin(begun);
    try {
      shard.reserve(batch, stage);
      shard.forward(batch, stage, input, output.buffer());
    } catch (RuntimeException | Error e) {
      monitor.threw(e);
      for (int i = 0; i < batch.entries(); i++) {
        batch.fail(i, MicroBatch.SHARD_ERROR, stage);
      }
      listener.onShardError(e);
    } finally {
      monitor.end(begun, System.nanoTime(), batch.rows());
    }
    rememberFailedSlots(batch);
    slots.log(batch, output.buffer());
  }

  private void markFailedSlots(MicroBatch batch) {
    for (int i = 0; i < batch.entries(); i++) {
      int slot = batch.slot(i);
      int failure = slot < failures.length ? failures[slot] : 0;
      if (failure != 0) {
        batch.fail(i, failure & 0xff, failure >>> 8);
      }
    }
  }

  private void rememberFailedSlots(MicroBatch batch) {
    for (int i = 0; i < batch.entries(); i++) {
      if (batch.failed(i) && batch.slot(i) < failures.length) {
        failures[batch.slot(i)] = batch.failure(i) | batch.failedStage(i) << 8;
      }
    }
  }
}
