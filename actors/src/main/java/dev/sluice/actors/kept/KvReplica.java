package dev.sluice.actors.kept;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What a stage keeps for another one: a copy of its keys and values, one row for a position, from
 * position 0 on for each slot. When the other stage is lost, the one that replaces it gets them
 * back.
 *
 * <p>Bounded: a slot for which there is no room is given up until it begins again at position 0.
 * For one thread at a time. Who made it closes it.
 */
public final class KvReplica implements AutoCloseable {
  /** Of a slot that holds nothing. */
  public static final long NOBODY = -1;

  private final long rowBytes;
  private final RowLog rows;
  private final long[] sequences;

  /**
   * Holds nothing yet, and takes no memory yet.
   *
   * @param slots slots are 0 until this number
   * @param rowBytes bytes of the keys and values of one position
   * @param pageTokens positions that memory is taken for at once
   * @param memoryBytes most memory, outside the heap
   */
  public KvReplica(int slots, long rowBytes, int pageTokens, long memoryBytes) {
    this.rowBytes = rowBytes;
    rows = new RowLog("copy", slots, rowBytes, pageTokens, new LogLimits(memoryBytes, 0));
    sequences = new long[slots];
    Arrays.fill(sequences, NOBODY);
  }

  /** The number of slots. */
  public int slots() {
    return sequences.length;
  }

  /** Bytes of the keys and values of one position. */
  public long rowBytes() {
    return rowBytes;
  }

  /** Whose positions a slot holds, or {@link #NOBODY}. */
  public long sequence(int slot) {
    return sequences[slot];
  }

  /** How many positions a slot holds, from 0 on. */
  public int positions(int slot) {
    return rows.positions(slot);
  }

  /**
   * Forgets a slot's positions from {@code start} on and adds some. What does not follow on
   * positions of the same sequence makes a gap: then the slot is given up.
   *
   * @param source rows of the positions, from its beginning on
   * @return whether the slot holds {@code start + count} positions of the sequence now
   */
  public boolean put(int slot, long sequence, int start, int count, MemorySegment source) {
    boolean follows = start == 0 || (sequences[slot] == sequence && start <= positions(slot));
    if (follows) {
      rows.truncate(slot, start);
      rows.append(slot, start, source, 0, count);
    } else {
      rows.forget(slot);
    }
    sequences[slot] = positions(slot) == 0 ? NOBODY : sequence;
    return follows && positions(slot) == start + count;
  }

  /**
   * Copies rows to the beginning of {@code target}.
   *
   * @throws IllegalArgumentException where they are not all here
   */
  public void read(int slot, int position, int count, MemorySegment target) {
    rows.read(slot, position, count, target);
  }

  /** Frees the memory; this must not be used any more. */
  @Override
  public void close() {
    rows.close();
  }
}
