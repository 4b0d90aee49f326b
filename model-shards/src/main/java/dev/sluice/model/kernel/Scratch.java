package dev.sluice.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap working memory of one thread: found by the thread, grown to what was ever needed, given
 * back some time after the thread has ended.
 *
 * <p>The areas are apart from each other, so that a kernel may use one while it calls another that
 * uses the next; no kernel calls itself.
 */
final class Scratch {
  private static final ThreadLocal<Scratch> CURRENT = ThreadLocal.withInitial(Scratch::new);
  private static final int ALIGNMENT = 64;

  /** Floats of {@link #temporary}: some vectors, well within the first-level cache. */
  static final int TEMPORARY = 512;

  private final MemorySegment lanes = allocate(Lanes.VIRTUAL_BYTES);
  private final MemorySegment temporary = allocate((long) TEMPORARY * Float.BYTES);
  private final MemorySegment exponents = allocate((long) TEMPORARY * Float.BYTES);
  private MemorySegment panel = allocate(ALIGNMENT);
  private MemorySegment sums = allocate(ALIGNMENT);
  private MemorySegment scores = allocate(ALIGNMENT);
  private MemorySegment rows = allocate(ALIGNMENT);

  private final MatrixTask matrixTask = new MatrixTask();
  private final PackedTask packedTask = new PackedTask();

  private Scratch() {}

  static Scratch current() {
    return CURRENT.get();
  }

  /** The 16 lanes of a sum. */
  long lanes() {
    return lanes.address();
  }

  /** Intermediate results of {@link VectorMath}. */
  long temporary() {
    return temporary.address();
  }

  /** Arguments and results of {@link VectorMath} on behalf of {@link Activations}. */
  long exponents() {
    return exponents.address();
  }

  /** The product that this thread has asked for. */
  MatrixTask matrixTask() {
    return matrixTask;
  }

  /** The product with packed weights that this thread has asked for. */
  PackedTask packedTask() {
    return packedTask;
  }

  /** Dequantized weights. */
  long panel(long floats) {
    if (panel.byteSize() < floats * Float.BYTES) {
      panel = grown(panel, floats);
    }
    return panel.address();
  }

  /** Sums not yet finished. */
  long sums(long floats) {
    if (sums.byteSize() < floats * Float.BYTES) {
      sums = grown(sums, floats);
    }
    return sums.address();
  }

  /** Attention scores. */
  long scores(long floats) {
    if (scores.byteSize() < floats * Float.BYTES) {
      scores = grown(scores, floats);
    }
    return scores.address();
  }

  /** Keys or values widened from half precision. */
  long rows(long floats) {
    if (rows.byteSize() < floats * Float.BYTES) {
      rows = grown(rows, floats);
    }
    return rows.address();
  }

  private static MemorySegment grown(MemorySegment old, long floats) {
    return allocate(Math.max(2 * old.byteSize(), floats * Float.BYTES));
  }

  private static MemorySegment allocate(long bytes) {
    return Arena.ofAuto().allocate(bytes, ALIGNMENT);
  }
}
