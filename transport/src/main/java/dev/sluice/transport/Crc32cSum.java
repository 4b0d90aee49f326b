package dev.sluice.transport;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;

/**
 * CRC-32C (Castagnoli, RFC 3720) of parts of buffers, without garbage. For one thread.
 *
 * <p>The processor's instruction is reached through {@link CRC32C} only, which takes off-heap
 * memory only as a {@link ByteBuffer}; a view for every range would be garbage. So there are a few
 * views, kept, each of 2 GiB of address space from a multiple of 1 GiB on: any range of at most 1
 * GiB lies in one. A view is no claim that the memory is there; only the range is touched.
 */
final class Crc32cSum {
  private static final int WINDOW_BITS = 30;

  /** The most that a {@link ByteBuffer} of a segment may have. */
  private static final int WINDOW_BYTES = Integer.MAX_VALUE - 8;

  private static final int WINDOWS = 8;

  private final CRC32C crc = new CRC32C();
  private final @Nullable ByteBuffer[] windows = new ByteBuffer[WINDOWS];
  private final long[] bases = new long[WINDOWS];

  Crc32cSum begin() {
    crc.reset();
    return this;
  }

  Crc32cSum add(DirectBuffer buffer, int offset, int length) {
    buffer.boundsCheck(offset, length);
    if (length == 0) {
      return this;
    }
    byte[] array = buffer.byteArray();
    if (array != null) {
      crc.update(array, buffer.wrapAdjustment() + offset, length);
      return this;
    }
    long address = buffer.addressOffset() + offset;
    long base = address >>> WINDOW_BITS << WINDOW_BITS;
    ByteBuffer window = window(base);
    int start = (int) (address - base);
    if (length > WINDOW_BYTES - start) {
      throw new IllegalArgumentException("a range of %,d bytes".formatted(length));
    }
    window.limit(start + length).position(start);
    try {
      crc.update(window);
    } finally {
      Reference.reachabilityFence(buffer);
    }
    return this;
  }

  int value() {
    return (int) crc.getValue();
  }

  // Unaligned view of whatever memory is there: the caller's bounds were checked against its
  // buffer.
  @SuppressWarnings("restricted")
  private ByteBuffer window(long base) {
    int index = (int) (base >>> WINDOW_BITS) & (WINDOWS - 1);
    ByteBuffer window = windows[index];
    if (window == null || bases[index] != base) {
      window = MemorySegment.ofAddress(base).reinterpret(WINDOW_BYTES).asByteBuffer();
      windows[index] = window;
      bases[index] = base;
    }
    return window;
  }
}
