package dev.sluice.model.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A growing buffer of a GGUF header's little-endian fields. */
final class GgufEncoder {
  private static final int START_BYTES = 256;

  /** What one Java array holds. */
  private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  private ByteBuffer buffer = allocate(START_BYTES);

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  GgufEncoder int32(int value) {
    room(Integer.BYTES).putInt(value);
    return this;
  }

  GgufEncoder int64(long value) {
    room(Long.BYTES).putLong(value);
    return this;
  }

  GgufEncoder bytes(byte[] value) {
    room(value.length).put(value);
    return this;
  }

  GgufEncoder string(String value) {
    return string(value.getBytes(StandardCharsets.UTF_8));
  }

  GgufEncoder string(byte[] value) {
    return int64(value.length).bytes(value);
  }

  GgufEncoder bool(boolean value) {
    room(1).put((byte) (value ? 1 : 0));
    return this;
  }

  GgufEncoder type(GgufValueType type) {
    return int32(type.id());
  }

  /** The head of an array value. */
  GgufEncoder array(GgufValueType element, long count) {
    return type(GgufValueType.ARRAY).type(element).int64(count);
  }

  /**
   * An integer in the width of its type.
   *
   * @throws IllegalArgumentException if the type is no integer type or the value does not fit it
   */
  GgufEncoder integer(GgufValueType type, long value) {
    boolean fits =
        switch (type) {
          case UINT8 -> value >= 0 && value <= 0xFF;
          case INT8 -> value == (byte) value;
          case UINT16 -> value >= 0 && value <= 0xFFFF;
          case INT16 -> value == (short) value;
          case UINT32 -> value >= 0 && value <= 0xFFFF_FFFFL;
          case INT32 -> value == (int) value;
          case UINT64, INT64 -> true;
          case FLOAT32, FLOAT64, BOOL, STRING, ARRAY ->
              throw new IllegalArgumentException(type + " is no integer type");
        };
    if (!fits) {
      throw new IllegalArgumentException(value + " does not fit " + type);
    }
    ByteBuffer room = room(type.bytes());
    switch (type.bytes()) {
      case 1 -> room.put((byte) value);
      case 2 -> room.putShort((short) value);
      case 4 -> room.putInt((int) value);
      default -> room.putLong(value);
    }
    return this;
  }

  /** A floating-point value in the width of its type. */
  GgufEncoder real(GgufValueType type, double value) {
    switch (type) {
      case FLOAT32 -> room(Float.BYTES).putFloat((float) value);
      case FLOAT64 -> room(Double.BYTES).putDouble(value);
      default -> throw new IllegalArgumentException(type + " is no floating-point type");
    }
    return this;
  }

  int size() {
    return buffer.position();
  }

  byte[] toBytes() {
    byte[] bytes = new byte[buffer.position()];
    buffer.duplicate().flip().get(bytes);
    return bytes;
  }

  private ByteBuffer room(int bytes) {
    if (buffer.remaining() < bytes) {
      long needed = (long) buffer.position() + bytes;
      if (needed > MAX_BYTES) {
        throw new IllegalStateException("a header of more than " + MAX_BYTES + " bytes");
      }
      long capacity = Math.clamp(2L * buffer.capacity(), needed, MAX_BYTES);
      buffer = allocate((int) capacity).put(buffer.flip());
    }
    return buffer;
  }
}
