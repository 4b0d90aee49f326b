package dev.sluice.model.arch;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Buffers that all adapted projections of a transformer share: one of them is at work at a time.
 * Their size is known when all are loaded; without adapters there are none.
 */
final class AdapterWork {
  private static final int ALIGNMENT = 64;

  private int rank;
  private int outputLength;
  private MemorySegment low = MemorySegment.NULL;
  private MemorySegment delta = MemorySegment.NULL;

  /** Makes sure that a projection of this rank and length will find room. */
  void need(int newRank, int newOutputLength) {
    rank = Math.max(rank, newRank);
    outputLength = Math.max(outputLength, newOutputLength);
  }

  /** Allocates what is needed for passes of at most {@code maxRows} rows. */
  void allocate(Arena arena, long maxRows) {
    low = arena.allocate(maxRows * rank * Float.BYTES, ALIGNMENT);
    delta = arena.allocate(maxRows * outputLength * Float.BYTES, ALIGNMENT);
  }

  /** {@code A x} of each row. */
  MemorySegment low() {
    return low;
  }

  /** What is to be added to each row of the projection's results. */
  MemorySegment delta() {
    return delta;
  }
}
