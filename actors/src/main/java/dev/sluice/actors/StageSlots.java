package dev.sluice.actors;

import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KvReplica;
import dev.sluice.actors.kept.RowLog;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.model.shard.ModelShard;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a stage has of the sequences in its slots: keys and values in its shard, and in the log the
 * rows that it gave to the next stage. Lives as long as the shard, over epochs. For one thread at a
 * time: the runner's while there is one, else its actor's.
 */
final class StageSlots implements AutoCloseable {
  private static final long NOBODY = KvReplica.NOBODY;

  private final ModelShard shard;
  private final @Nullable RowLog log;
  private final long[] sequences;

  /**
   * @param log for what is given to the next stage; null for none. Closed with this
   */
  StageSlots(ModelShard shard, @Nullable RowLog log, int slots) {
    this.shard = shard;
    this.log = log;
    this.sequences = new long[slots];
    Arrays.fill(sequences, NOBODY);
  }

  ModelShard shard() {
    return shard;
  }

  /** The number of slots. */
  int count() {
    return sequences.length;
  }

  /** Whose positions a slot has, or {@link KvReplica#NOBODY}. */
  long sequence(int slot) {
    return sequences[slot];
  }

  /**
   * A sequence takes a slot, or goes on in it.
   *
   * @param sequence its number
   * @param kept so many positions stay; 0 for a sequence that begins anew
   * @throws IllegalStateException where they are not here
   */
  void open(int slot, long sequence, int kept) {
    if (kept == 0) {
      close(slot);
    } else if (sequences[slot] != sequence || shard.positions(slot) < kept) {
      throw new IllegalStateException(
          "%d positions of a sequence were to be kept in slot %d, which has %d of %s"
              .formatted(
                  kept,
                  slot,
                  shard.positions(slot),
                  sequences[slot] == sequence ? "it" : "another"));
    } else {
      shard.truncate(slot, kept);
      if (log != null) {
        log.truncate(slot, kept);
      }
    }
    sequences[slot] = sequence;
  }

  /**
   * A sequence takes a slot and begins with positions of another one that begins alike; its own
   * slot may be that one.
   *
   * @param sequence its number
   * @param from the slot that has them
   * @throws IllegalStateException where they are not here
   */
  void share(int slot, long sequence, int from, int positions) {
    if (from < 0 || from >= sequences.length || shard.positions(from) < positions) {
      throw new IllegalStateException(
          "%d positions of slot %d were to be shared, which has them not"
              .formatted(positions, from));
    }
    if (from == slot) {
      open(slot, sequences[slot], positions);
    } else {
      close(slot);
      shard.share(from, slot, positions);
      if (log != null) {
        log.copy(from, slot, positions);
      }
    }
    sequences[slot] = sequence;
  }

  /**
   * Gives a slot back what another stage kept of it. What does not follow on what is here, or finds
   * no room, is left out.
   *
   * @param rows keys and values of the positions, from its beginning on
   * @return whether they are here now
   */
  boolean restore(int slot, long sequence, int start, int count, MemorySegment rows) {
    if (start == 0) {
      close(slot);
      sequences[slot] = sequence;
    }
    return sequences[slot] == sequence
        && shard.positions(slot) == start
        && shard.restoreKv(slot, count, rows, 0);
  }

  /** Forgets a slot. */
  void close(int slot) {
    sequences[slot] = NOBODY;
    shard.release(slot);
    if (log != null) {
      log.forget(slot);
    }
  }

  /** What a micro-batch gave is logged, entries that failed left out. */
  void log(MicroBatch batch, MemorySegment rows) {
    if (log == null) {
      return;
    }
    int row = 0;
    for (int i = 0; i < batch.entries(); i++) {
      if (!batch.failed(i)) {
        log.append(batch.slot(i), batch.startPosition(i), rows, row, batch.tokenCount(i));
      }
      row += batch.tokenCount(i);
    }
  }

  /**
   * Copies logged rows.
   *
   * @throws IllegalStateException where they are not logged
   */
  void replay(int slot, int position, int count, MemorySegment target) {
    if (log == null) {
      throw new IllegalStateException("rows of slot " + slot + " were asked for, without a log");
    }
    log.read(slot, position, count, target);
  }

  /** What is here, of all slots that are not empty. */
  List<HeldSlot> held() {
    List<HeldSlot> held = new ArrayList<>();
    for (int slot = 0; slot < sequences.length; slot++) {
      if (sequences[slot] != NOBODY) {
        int logged = log == null ? 0 : log.positions(slot);
        held.add(new HeldSlot(slot, sequences[slot], shard.positions(slot), logged));
      }
    }
    return held;
  }

  /** Frees the log, not the shard. */
  @Override
  public void close() {
    if (log != null) {
      log.close();
    }
  }
}
