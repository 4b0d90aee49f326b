package dev.sluice.transport;

import java.util.Arrays;
import java.util.Objects;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One message of a link: entries that say which rows of which sequences, and a payload. Reusable,
 * both to write and to read; for one thread. The payload is not copied: it stays the property of
 * who set it, and must stay as it is until the frame is sent.
 */
public final class Frame {
  /** The most entries of a frame. */
  public static final int MAX_ENTRIES = 4_096;

  private static final int ENTRY_INTS = 4;

  private FrameType type = FrameType.STEP;
  private int epoch;
  private long microBatch;
  private int entries;
  private int[] table = new int[16 * ENTRY_INTS];
  private PayloadType payloadType = PayloadType.NONE;
  private int width;
  private final UnsafeBuffer nothing = new UnsafeBuffer(0, 0);
  private final UnsafeBuffer view = new UnsafeBuffer(0, 0);
  private DirectBuffer payloadBuffer = nothing;
  private int payloadOffset;
  private int payloadLength;
  private long sentNanos;

  /** Changes with every write, so that a sender sees that it is offered something else. */
  private long revision;

  public Frame() {}

  /**
   * Begins a new frame: no entries, no payload.
   *
   * @throws IllegalArgumentException if the epoch or the number is negative
   */
  public Frame reset(FrameType type, int epoch, long microBatch) {
    if (epoch < 0 || microBatch < 0) {
      throw new IllegalArgumentException(
          "epoch %d, micro-batch %d: neither is negative".formatted(epoch, microBatch));
    }
    this.type = Objects.requireNonNull(type);
    this.epoch = epoch;
    this.microBatch = microBatch;
    entries = 0;
    payloadType = PayloadType.NONE;
    width = 0;
    payloadBuffer = nothing;
    payloadOffset = 0;
    payloadLength = 0;
    sentNanos = 0;
    revision++;
    return this;
  }

  /**
   * Adds an entry.
   *
   * @throws IllegalArgumentException if a number other than the flags is negative
   * @throws IllegalStateException if the frame has {@link #MAX_ENTRIES} already
   */
  public Frame addEntry(int slot, int startPosition, int tokenCount, int flags) {
    if ((slot | startPosition | tokenCount) < 0) {
      throw new IllegalArgumentException(
          "slot %d, start %d, count %d: none is negative"
              .formatted(slot, startPosition, tokenCount));
    }
    if (entries == MAX_ENTRIES) {
      throw new IllegalStateException("a frame has at most " + MAX_ENTRIES + " entries");
    }
    putEntry(slot, startPosition, tokenCount, flags);
    revision++;
    return this;
  }

  private void putEntry(int slot, int startPosition, int tokenCount, int flags) {
    int at = entries * ENTRY_INTS;
    if (at == table.length) {
      table = Arrays.copyOf(table, Math.min(2 * table.length, MAX_ENTRIES * ENTRY_INTS));
    }
    table[at] = slot;
    table[at + 1] = startPosition;
    table[at + 2] = tokenCount;
    table[at + 3] = flags;
    entries++;
  }

  /**
   * Sets the payload.
   *
   * @param width elements in a row; 0 where there are no rows
   * @param buffer off-heap or a {@code byte[]}
   * @throws IllegalArgumentException if the length is not whole elements of the type, or the width
   *     is negative
   * @throws IndexOutOfBoundsException if the buffer does not hold the range
   */
  public Frame payload(PayloadType type, int width, DirectBuffer buffer, int offset, int length) {
    buffer.boundsCheck(offset, length);
    if (width < 0 || length % type.unit() != 0 || (type == PayloadType.NONE && length != 0)) {
      throw new IllegalArgumentException(
          "payload of %d bytes, type %s, width %d".formatted(length, type, width));
    }
    payloadType = type;
    this.width = width;
    payloadBuffer = buffer;
    payloadOffset = offset;
    payloadLength = length;
    revision++;
    return this;
  }

  public FrameType type() {
    return type;
  }

  /** The pipeline's epoch. */
  public int epoch() {
    return epoch;
  }

  public long microBatch() {
    return microBatch;
  }

  /** How many entries there are. */
  public int entries() {
    return entries;
  }

  /** The sequence slot of entry i. */
  public int slot(int i) {
    return table[index(i)];
  }

  /** The position in its sequence of entry i's first row. */
  public int startPosition(int i) {
    return table[index(i) + 1];
  }

  /** How many rows entry i has. */
  public int tokenCount(int i) {
    return table[index(i) + 2];
  }

  public int flags(int i) {
    return table[index(i) + 3];
  }

  private int index(int i) {
    return Objects.checkIndex(i, entries) * ENTRY_INTS;
  }

  public PayloadType payloadType() {
    return payloadType;
  }

  /** Elements in a row of the payload; 0 where there are no rows. */
  public int width() {
    return width;
  }

  /** Where the payload lies. Of a received frame: valid during the handler's call only. */
  public DirectBuffer payloadBuffer() {
    return payloadBuffer;
  }

  public int payloadOffset() {
    return payloadOffset;
  }

  /** In bytes. */
  public int payloadLength() {
    return payloadLength;
  }

  /**
   * Of a received frame: the sender's {@link System#nanoTime()} when it was first offered. On one
   * machine the difference to now is the time it took; between machines it means nothing.
   */
  public long sentNanos() {
    return sentNanos;
  }

  long revision() {
    return revision;
  }

  @Override
  public String toString() {
    return "%s epoch=%d microBatch=%d entries=%d payload=%s x %d, %d bytes"
        .formatted(type, epoch, microBatch, entries, payloadType, width, payloadLength);
  }

  /** Reading: as {@link #reset}, of values that were checked. */
  void received(FrameType type, int epoch, long microBatch, long sentNanos) {
    reset(type, epoch, microBatch);
    this.sentNanos = sentNanos;
  }

  /** Reading: as {@link #addEntry}, of values that were checked. */
  void receivedEntry(int slot, int startPosition, int tokenCount, int flags) {
    putEntry(slot, startPosition, tokenCount, flags);
  }

  /** Reading: the payload is at an address, until {@link #detach()}. */
  void receivedPayload(PayloadType type, int width, DirectBuffer buffer, int offset, int length) {
    payloadType = type;
    this.width = width;
    view.wrap(buffer, offset, length);
    payloadBuffer = view;
    payloadOffset = 0;
    payloadLength = length;
  }

  /** Reading: whoever kept the payload's buffer finds it empty, not gone. */
  void detach() {
    view.wrap(0, 0);
    payloadBuffer = nothing;
    payloadLength = 0;
  }
}
