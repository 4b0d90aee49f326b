package dev.sluice.model.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/**
 * All of memory as one segment, and the checks that stand before its use.
 *
 * <p>A constant segment of the global scope costs the compiled kernels neither a bounds nor a
 * liveness check. Every public function therefore turns its arguments into addresses by {@link
 * #floats} or {@link #bytes}, which do both checks once.
 */
final class NativeMemory {
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final MemorySegment ALL = all();

  private NativeMemory() {}

  @SuppressWarnings("restricted") // The one place; what is read through it was checked before.
  private static MemorySegment all() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  /** The address of {@code count} floats that start {@code offset} floats into the segment. */
  static long floats(MemorySegment segment, long offset, long count) {
    if (offset < 0 || offset > Long.MAX_VALUE >> 3 || count < 0 || count > Long.MAX_VALUE >> 3) {
      throw new IndexOutOfBoundsException(
          "floats " + offset + " + " + count + " of a segment of " + segment.byteSize() + " bytes");
    }
    return bytes(segment, offset << 2, count << 2);
  }

  /** The address of a range of bytes of a native segment that is alive. */
  static long bytes(MemorySegment segment, long offset, long length) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("kernels need off-heap memory, not " + segment);
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("the segment's arena is closed: " + segment);
    }
    Objects.checkFromIndexSize(offset, length, segment.byteSize());
    return segment.address() + offset;
  }

  static void zero(long address, long floats) {
    FloatVector zeros = FloatVector.zero(Lanes.F);
    long end = address + (floats << 2);
    long at = address;
    for (; at <= end - Lanes.LENGTH * 4L; at += Lanes.LENGTH * 4L) {
      zeros.intoMemorySegment(ALL, at, ByteOrder.LITTLE_ENDIAN);
    }
    for (; at < end; at += Float.BYTES) {
      ALL.set(FLOAT, at, 0f);
    }
  }

  static float getFloat(long address) {
    return ALL.get(FLOAT, address);
  }

  static void setFloat(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  static void setByte(long address, byte value) {
    ALL.set(ValueLayout.JAVA_BYTE, address, value);
  }

  /** The half-precision number at an address. */
  static float getHalf(long address) {
    return Float.float16ToFloat(ALL.get(SHORT, address));
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  static int getUnsignedShort(long address) {
    return ALL.get(SHORT, address) & 0xffff;
  }

  static int getByte(long address) {
    return ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  static int getUnsignedByte(long address) {
    return ALL.get(ValueLayout.JAVA_BYTE, address) & 0xff;
  }
}
