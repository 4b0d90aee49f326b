package dev.sluice.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.sluice.transport.codec.FramePartDecoder;
import dev.sluice.transport.codec.FrameStartDecoder;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import org.agrona.DirectBuffer;

/**
 * What one sender sends, put together again: Aeron's fragments to messages, messages to frames, in
 * one buffer off the heap. That a handler is shown this buffer and never Aeron's, even for a frame
 * in one fragment, is for its safety: Aeron unmaps its own a moment after a sender went away,
 * however long a handler still reads. The buffer grows with the bytes that arrive, never with a
 * length that was announced. For one thread; who made it closes it.
 */
final class Inbound implements AutoCloseable {
  private enum Mode {
    /** Between messages. */
    IDLE,
    /** Within a FrameStart. */
    START,
    /** Within a FramePart. */
    PART,
    /** Within a message that is dropped. */
    SKIP
  }

  private final EpochLedger ledger;
  private final int maxPayload;
  private final OffHeapBuffer memory;
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final FrameStartDecoder start = new FrameStartDecoder();
  private final FramePartDecoder part = new FramePartDecoder();
  private final Crc32cSum crc = new Crc32cSum();
  private final Frame frame = new Frame();

  private Mode mode = Mode.IDLE;

  /** Bytes in memory: a FrameStart and the payload so far. */
  private int bytes;

  /** Where in memory the message at hand ends, when all of it is there. */
  private int messageEnd;

  private int headerLength;
  private boolean verified;

  /** The rest of the frame at hand comes in parts. */
  private boolean open;

  /** The frame at hand is whole, and nobody took it yet. */
  private boolean held;

  private PayloadType payloadType = PayloadType.NONE;
  private int width;
  private int payloadLength;
  private int payloadCrc;

  /** Of the newest frame that began well; -1 before the first. */
  private int epoch = -1;

  private long nextSequence;

  Inbound(EpochLedger ledger, int maxPayload) {
    this.ledger = ledger;
    this.maxPayload = maxPayload;
    memory = new OffHeapBuffer(FrameLayout.MAX_START_HEADER + maxPayload);
  }

  /**
   * Takes the next fragment. When it made a frame whole, it stays so until {@link #taken()}: until
   * then, the same fragment is expected again and changes nothing.
   *
   * @return whether a whole frame is there
   */
  boolean onFragment(DirectBuffer buffer, int offset, int length, boolean begin, boolean end) {
    if (held) {
      return true;
    }
    if (begin) {
      if (mode == Mode.START || mode == Mode.PART) {
        lost("a message without its end");
      }
      mode = Mode.SKIP;
      onBegin(buffer, offset, length);
    } else if (mode == Mode.START || mode == Mode.PART) {
      append(buffer, offset, length);
    } else if (mode == Mode.IDLE) {
      lost("a message without its beginning");
    }
    if (end) {
      if (mode == Mode.START || mode == Mode.PART) {
        onEnd();
      }
      mode = Mode.IDLE;
    }
    return held;
  }

  boolean isHeld() {
    return held;
  }

  /** The whole frame. Its payload is there after {@link #attach()}. */
  Frame frame() {
    return frame;
  }

  /** Shows the frame its payload. */
  void attach() {
    frame.receivedPayload(payloadType, width, memory.view(), headerLength, payloadLength);
  }

  /** The whole frame is done with. */
  void taken() {
    held = false;
  }

  /** How much memory it holds. */
  int memoryBytes() {
    return memory.view().capacity();
  }

  /** The sender is gone: what it began is lost. */
  void onGone() {
    if (open || held || mode == Mode.START || mode == Mode.PART) {
      lost("the sender went away before its frame was whole and taken");
    }
  }

  @Override
  public void close() {
    held = false;
    memory.close();
  }

  private void onBegin(DirectBuffer buffer, int offset, int length) {
    if (length < MessageHeaderDecoder.ENCODED_LENGTH) {
      malformed("shorter than a message header");
      return;
    }
    header.wrap(buffer, offset);
    if (header.schemaId() != FrameStartDecoder.SCHEMA_ID
        || header.version() != FrameStartDecoder.SCHEMA_VERSION) {
      malformed("of another schema or version");
      return;
    }
    int template = header.templateId();
    int block = header.blockLength();
    if (template == FrameStartDecoder.TEMPLATE_ID && block == FrameStartDecoder.BLOCK_LENGTH) {
      onStart(buffer, offset, length);
    } else if (template == FramePartDecoder.TEMPLATE_ID && block == FramePartDecoder.BLOCK_LENGTH) {
      onPart(buffer, offset, length);
    } else {
      malformed("of a type that is no part of a frame");
    }
  }

  private void onStart(DirectBuffer buffer, int offset, int length) {
    if (length < FrameLayout.ENTRIES + FrameLayout.DATA_LENGTH) {
      malformed("shorter than a frame without entries");
      return;
    }
    start.wrap(
        buffer,
        offset + MessageHeaderDecoder.ENCODED_LENGTH,
        FrameStartDecoder.BLOCK_LENGTH,
        FrameStartDecoder.SCHEMA_VERSION);
    int entries = entries(buffer, offset);
    int payload = start.payloadLength();
    if (entries > Frame.MAX_ENTRIES
        || uint16(buffer, offset + FrameLayout.ENTRIES_DIMENSIONS) != FrameLayout.ENTRY) {
      malformed("more entries than a frame may have, or of another size");
      return;
    }
    if (payload < 0 || payload > maxPayload) {
      malformed("a payload beyond the limit");
      return;
    }
    headerLength = FrameLayout.startHeader(entries);
    messageEnd = headerLength + payload;
    verified = false;
    mode = Mode.START;
    bytes = 0;
    append(buffer, offset, length);
  }

  private void onPart(DirectBuffer buffer, int offset, int length) {
    if (length < FrameLayout.PART_HEADER) {
      malformed("shorter than the head of a part");
      return;
    }
    part.wrap(
        buffer,
        offset + MessageHeaderDecoder.ENCODED_LENGTH,
        FramePartDecoder.BLOCK_LENGTH,
        FramePartDecoder.SCHEMA_VERSION);
    if (open && ledger.isStale(epoch)) {
      open = false;
    }
    if (!open) {
      // The rest of a frame that was dropped, or the beginning never came.
      if (!ledger.isStale(part.epoch())) {
        lost("a part of a frame without its beginning");
      }
      return;
    }
    int partLength = part.partLength();
    int room = payloadLength - (bytes - headerLength);
    if (part.epoch() != epoch
        || part.sequence() != nextSequence - 1
        || part.payloadOffset() != bytes - headerLength) {
      lost("not the part of the frame that comes next");
    } else if (partLength <= 0 || partLength > room) {
      malformed("a part of no bytes, or of more than the frame has left");
    } else {
      mode = Mode.PART;
      messageEnd = bytes + partLength;
      append(buffer, offset + FrameLayout.PART_HEADER, length - FrameLayout.PART_HEADER);
    }
  }

  private void append(DirectBuffer buffer, int offset, int length) {
    if (length > messageEnd - bytes) {
      malformed("longer than it says");
      return;
    }
    memory.ensure(bytes + length, bytes);
    memory.view().putBytes(bytes, buffer, offset, length);
    bytes += length;
    if (mode == Mode.START && !verified && bytes >= headerLength && !verify()) {
      mode = Mode.SKIP;
    }
  }

  private void onEnd() {
    if (bytes != messageEnd || (mode == Mode.START && !verified)) {
      lost("a message shorter than it says");
    } else if (bytes == headerLength + payloadLength) {
      complete();
    } else {
      open = true;
    }
  }

  /**
   * Checks the head of a frame, decides whether the frame is wanted, and takes over what it says.
   */
  private boolean verify() {
    DirectBuffer buffer = memory.view();
    int entries = entries(buffer, 0);
    start.wrap(
        buffer,
        MessageHeaderDecoder.ENCODED_LENGTH,
        FrameStartDecoder.BLOCK_LENGTH,
        FrameStartDecoder.SCHEMA_VERSION);
    int sum = (int) start.headerCrc();
    if (FrameEncoder.headerCrc(crc, buffer, entries) != sum) {
      malformed("the checksum of its header is wrong");
      return false;
    }
    int frameEpoch = start.epoch();
    int typeCode = start.frameType();
    int payloadCode = start.payloadType();
    int payload = start.payloadLength();
    if (typeCode >= FrameType.count()
        || payloadCode >= PayloadType.count()
        || start.reserved() != 0
        || frameEpoch < 0
        || start.microBatch() < 0
        || start.sequence() < 0
        || start.width() < 0) {
      malformed("a value in its header that there is not");
      return false;
    }
    PayloadType type = PayloadType.of(payloadCode);
    if (payload % type.unit() != 0 || (type == PayloadType.NONE && payload != 0)) {
      malformed("a payload that is not whole elements of its type");
      return false;
    }
    if (ledger.isStale(frameEpoch)) {
      open = false;
      ledger.stale();
      return false;
    }
    if (!follows(frameEpoch, start.sequence())) {
      return false;
    }
    frame.received(FrameType.of(typeCode), frameEpoch, start.microBatch(), start.sentNanos());
    payloadType = type;
    width = start.width();
    payloadLength = payload;
    payloadCrc = (int) start.payloadCrc();
    return readEntries(entries) && readPartLength();
  }

  private boolean follows(int frameEpoch, long sequence) {
    boolean unfinished = open && frameEpoch == epoch;
    open = false;
    long expected = frameEpoch == epoch ? nextSequence : 0;
    epoch = frameEpoch;
    nextSequence = sequence + 1;
    ledger.raise(frameEpoch);
    if (unfinished) {
      lost("a frame without its last parts");
      return false;
    }
    if (sequence != expected) {
      lost("frame " + sequence + " of the epoch came where " + expected + " was due");
      return false;
    }
    return true;
  }

  private boolean readEntries(int entries) {
    FrameStartDecoder.EntriesDecoder group = start.entries();
    for (int i = 0; i < entries; i++) {
      group.next();
      int slot = group.slot();
      int position = group.startPosition();
      int tokens = group.tokenCount();
      if ((slot | position | tokens) < 0) {
        malformed("a negative number in an entry");
        return false;
      }
      frame.receivedEntry(slot, position, tokens, group.flags());
    }
    return true;
  }

  private boolean readPartLength() {
    int partLength = start.partLength();
    if (partLength < 0 || partLength > payloadLength) {
      malformed("a part beyond the payload");
      return false;
    }
    verified = true;
    messageEnd = headerLength + partLength;
    if (bytes > messageEnd) {
      malformed("longer than it says");
      return false;
    }
    return true;
  }

  private void complete() {
    open = false;
    if (crc.begin().add(memory.view(), headerLength, payloadLength).value() != payloadCrc) {
      String reason = "the checksum of the payload of frame " + frame + " is wrong";
      ledger.crc(reason);
      ledger.fail(epoch, reason);
      return;
    }
    held = true;
  }

  private void malformed(String reason) {
    mode = Mode.SKIP;
    open = false;
    ledger.malformed(reason);
    // Who has sent frames before has lost one with this. Of others, nothing was expected.
    if (epoch >= 0) {
      ledger.fail(epoch, "a malformed message: " + reason);
    }
  }

  private void lost(String reason) {
    mode = Mode.SKIP;
    open = false;
    held = false;
    ledger.gap(reason);
    if (epoch >= 0) {
      ledger.fail(epoch, reason);
    }
  }

  private static int entries(DirectBuffer buffer, int offset) {
    return uint16(buffer, offset + FrameLayout.ENTRIES - Short.BYTES);
  }

  private static int uint16(DirectBuffer buffer, int offset) {
    return Short.toUnsignedInt(buffer.getShort(offset, LITTLE_ENDIAN));
  }
}
