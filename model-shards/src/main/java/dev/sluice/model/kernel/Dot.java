package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;

/** Dot products of float vectors. */
public final class Dot {
  private Dot() {}

  /** {@code sum(a[k] * b[k])} over {@code n} elements, in the package's order of sums. */
  public static float dot(MemorySegment a, long aOffset, MemorySegment b, long bOffset, int n) {
    long aAddress = NativeMemory.floats(a, aOffset, n);
    long bAddress = NativeMemory.floats(b, bOffset, n);
    return dot(aAddress, bAddress, n);
  }

  static float dot(long a, long b, int n) {
    long lanes = Scratch.current().lanes();
    Sums.dot(a, b, n, lanes);
    return Lanes.tree(lanes);
  }
}
