package dev.sluice.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.sluice.transport.codec.FramePartEncoder;
import dev.sluice.transport.codec.FrameStartEncoder;
import dev.sluice.transport.codec.MessageHeaderEncoder;
import org.agrona.DirectBuffer;

/** Writes what stands before the payload in the messages of a frame. For one thread. */
final class FrameEncoder implements AutoCloseable {
  private final OffHeapBuffer memory = new OffHeapBuffer(FrameLayout.MAX_START_HEADER);
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final FrameStartEncoder start = new FrameStartEncoder();
  private final FramePartEncoder part = new FramePartEncoder();
  private final Crc32cSum crc = new Crc32cSum();

  /** Where the header lies that was written last, from 0 on. */
  DirectBuffer buffer() {
    return memory.view();
  }

  /**
   * Writes the header of a FrameStart.
   *
   * @return its length
   */
  int start(Frame frame, long sequence, long sentNanos, int payloadCrc, int partLength) {
    int entries = frame.entries();
    int length = FrameLayout.startHeader(entries);
    memory.ensure(length, 0);
    start
        .wrapAndApplyHeader(memory.view(), 0, header)
        .frameType((short) frame.type().code())
        .payloadType((short) frame.payloadType().code())
        .reserved(0)
        .epoch(frame.epoch())
        .microBatch(frame.microBatch())
        .sequence(sequence)
        .sentNanos(sentNanos)
        .payloadLength(frame.payloadLength())
        .width(frame.width())
        .payloadCrc(Integer.toUnsignedLong(payloadCrc));
    FrameStartEncoder.EntriesEncoder group = start.entriesCount(entries);
    for (int i = 0; i < entries; i++) {
      group
          .next()
          .slot(frame.slot(i))
          .startPosition(frame.startPosition(i))
          .tokenCount(frame.tokenCount(i))
          .flags(frame.flags(i));
    }
    start.headerCrc(Integer.toUnsignedLong(headerCrc(crc, memory.view(), entries)));
    // The length alone: the bytes themselves follow from where they are, without a copy to here.
    memory.view().putInt(length - FrameLayout.DATA_LENGTH, partLength, LITTLE_ENDIAN);
    return length;
  }

  /** Writes the header of a FramePart, {@link FrameLayout#PART_HEADER} bytes. */
  void part(int epoch, long sequence, int payloadOffset, int partLength) {
    part.wrapAndApplyHeader(memory.view(), 0, header)
        .sequence(sequence)
        .epoch(epoch)
        .payloadOffset(payloadOffset);
    memory
        .view()
        .putInt(FrameLayout.PART_HEADER - FrameLayout.DATA_LENGTH, partLength, LITTLE_ENDIAN);
  }

  int payloadCrc(Frame frame) {
    return crc.begin()
        .add(frame.payloadBuffer(), frame.payloadOffset(), frame.payloadLength())
        .value();
  }

  /** Of a FrameStart up to the end of its entries, the field of the sum itself left out. */
  static int headerCrc(Crc32cSum crc, DirectBuffer buffer, int entries) {
    int behind = FrameLayout.HEADER_CRC + Integer.BYTES;
    return crc.begin()
        .add(buffer, 0, FrameLayout.HEADER_CRC)
        .add(buffer, behind, FrameLayout.ENTRIES + entries * FrameLayout.ENTRY - behind)
        .value();
  }

  @Override
  public void close() {
    memory.close();
  }
}
