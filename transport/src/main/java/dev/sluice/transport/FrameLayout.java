package dev.sluice.transport;

import dev.sluice.transport.codec.DataEncodingDecoder;
import dev.sluice.transport.codec.FramePartDecoder;
import dev.sluice.transport.codec.FrameStartDecoder;
import dev.sluice.transport.codec.GroupSizeEncodingDecoder;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.SealedDecoder;

/** Sizes and offsets of the messages of the schema, in bytes. */
final class FrameLayout {
  /** Of the length in front of a payload's bytes. */
  static final int DATA_LENGTH = DataEncodingDecoder.varDataEncodingOffset();

  static final int ENTRIES_DIMENSIONS =
      MessageHeaderDecoder.ENCODED_LENGTH + FrameStartDecoder.BLOCK_LENGTH;

  /** Where the entries of a FrameStart begin. */
  static final int ENTRIES = ENTRIES_DIMENSIONS + GroupSizeEncodingDecoder.ENCODED_LENGTH;

  static final int ENTRY = FrameStartDecoder.EntriesDecoder.sbeBlockLength();

  static final int HEADER_CRC =
      MessageHeaderDecoder.ENCODED_LENGTH + FrameStartDecoder.headerCrcEncodingOffset();

  /** Of a FramePart, up to its bytes of the payload. */
  static final int PART_HEADER =
      MessageHeaderDecoder.ENCODED_LENGTH + FramePartDecoder.BLOCK_LENGTH + DATA_LENGTH;

  /** Of the largest FrameStart, up to its bytes of the payload: 64 KiB and 64 bytes. */
  static final int MAX_START_HEADER = startHeader(Frame.MAX_ENTRIES);

  /** Of a Sealed, up to what is encrypted. */
  static final int SEALED_HEADER = MessageHeaderDecoder.ENCODED_LENGTH + SealedDecoder.BLOCK_LENGTH;

  /** What sealing adds to a message: the header, and the tag behind. */
  static final int SEALED_OVERHEAD = SEALED_HEADER + AesGcm.TAG;

  /**
   * The longest Sealed. What a receiver keeps for a sender that has not shown that it has the
   * secret is at most twice this, and no more than has come.
   */
  static final int MAX_SEALED = 1 << 20;

  private FrameLayout() {}

  /** Of a FrameStart with so many entries, up to its bytes of the payload: a multiple of 16. */
  static int startHeader(int entries) {
    return ENTRIES + entries * ENTRY + DATA_LENGTH;
  }
}
