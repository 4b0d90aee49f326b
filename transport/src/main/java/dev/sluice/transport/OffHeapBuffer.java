package dev.sluice.transport;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Memory outside the heap that grows by doubling up to a limit, and never shrinks. Aligned to a
 * cache line. For one thread; who made it closes it.
 */
final class OffHeapBuffer implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final int limit;
  private final UnsafeBuffer view = new UnsafeBuffer(0, 0);
  private @Nullable Arena arena;

  OffHeapBuffer(int limit) {
    this.limit = limit;
  }

  /** All of it. Looks elsewhere after {@link #ensure}. */
  UnsafeBuffer view() {
    return view;
  }

  /** Makes room for this many bytes, at most the limit, and keeps the first of them. */
  @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as this: close() closes it
  void ensure(int bytes, int keep) {
    if (bytes <= view.capacity()) {
      return;
    }
    if (bytes > limit) {
      throw new IllegalArgumentException("%d bytes, the limit is %d".formatted(bytes, limit));
    }
    int capacity = (int) Math.min(limit, Math.max(4_096, Long.highestOneBit(bytes - 1L) << 1));
    Arena old = arena;
    arena = Arena.ofShared();
    MemorySegment grown = arena.allocate(capacity, ALIGNMENT);
    UnsafeBuffer source = new UnsafeBuffer(view, 0, keep);
    view.wrap(grown.address(), capacity);
    view.putBytes(0, source, 0, keep);
    if (old != null) {
      old.close();
    }
  }

  @Override
  public void close() {
    view.wrap(0, 0);
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }
}
