package dev.sluice.transport;

import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import java.util.function.Consumer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The sending end of a link. For one thread; {@link #close()}, {@link #isConnected()} and the
 * counters are for any. Who opened it closes it; closing its {@link Transport} closes it too. What
 * was sent over UDP and has not arrived when the transport closes is lost.
 */
public final class FrameSender implements AutoCloseable {
  /** No receiver is there (yet, or any more). Offer the frame again later. */
  public static final long NOT_CONNECTED = Publication.NOT_CONNECTED;

  /** The receiver has no room now. Offer the frame again. */
  public static final long BACK_PRESSURED = Publication.BACK_PRESSURED;

  /** The log was being turned over. Offer the frame again at once. */
  public static final long ADMIN_ACTION = Publication.ADMIN_ACTION;

  /** This end is closed, or its driver is gone. It stays so. */
  public static final long CLOSED = Publication.CLOSED;

  /** A turn of the log takes one retry; more mean that something else is the matter. */
  private static final int ADMIN_RETRIES = 3;

  private final LinkAddress address;
  private final ExclusivePublication publication;
  private final int maxPayload;
  private final int maxMessage;
  private final int maxClaim;
  private final @Nullable Sealer sealer;
  private final LinkGate gate;
  private final LinkCounters counters = new LinkCounters();
  private final FrameEncoder encoder = new FrameEncoder();
  private final BufferClaim claim = new BufferClaim();

  /** The frame that was offered last, until it is sent whole. */
  private @Nullable Frame pending;

  private long pendingRevision;
  private long pendingSequence;
  private long sentNanos;
  private int payloadCrc;

  /** Whether the next message of the pending frame is encoded, and sealed where that is done. */
  private boolean encoded;

  /** Whether any of the pending frame is sent, and how much of its payload. */
  private boolean begun;

  private int sent;

  /** Of the newest frame that was begun. */
  private int epoch;

  private long nextSequence;

  /**
   * @param sealer null for a link that is not sealed
   * @param onClosed is told when nothing of this end is left
   */
  FrameSender(
      LinkAddress address,
      ExclusivePublication publication,
      int maxPayload,
      @Nullable Sealer sealer,
      Consumer<AutoCloseable> onClosed) {
    this.address = address;
    this.publication = publication;
    this.maxPayload = maxPayload;
    this.sealer = sealer;
    int longest = publication.maxMessageLength();
    maxMessage =
        sealer == null
            ? longest
            : Math.min(longest, FrameLayout.MAX_SEALED) - FrameLayout.SEALED_OVERHEAD;
    maxClaim = publication.maxPayloadLength();
    gate = new LinkGate(() -> release(onClosed));
  }

  /**
   * Sends a frame, as much of it as the link takes now.
   *
   * <p>A frame that is begun must be finished before the next, but for a frame of a newer epoch:
   * with that, the rest of the old one is given up.
   *
   * @return above 0: the whole frame is sent; else one of the constants: call again with the same,
   *     unchanged frame, and it goes on where it stood
   * @throws IllegalArgumentException if the payload is over the limit, or the epoch is over
   * @throws IllegalStateException if another frame is begun, or another thread is in this call
   */
  public long offer(Frame frame) {
    if (!gate.enter()) {
      return CLOSED;
    }
    try {
      long result = send(frame);
      if (result > 0) {
        pending = null;
        LinkCounters.add(counters.frames, 1);
        LinkCounters.add(counters.bytes, frame.payloadLength());
      } else {
        LinkCounters.add(counters.refused, 1);
      }
      return result;
    } finally {
      gate.exit();
    }
  }

  /** Whether a receiver is there. */
  public boolean isConnected() {
    // Not through the gate, which is the sending thread's; but not while the memory goes either.
    synchronized (publication) {
      return gate.isOpen() && publication.isConnected();
    }
  }

  public LinkAddress address() {
    return address;
  }

  public LinkCounters counters() {
    return counters;
  }

  /** Closes this end; a call in progress on another thread finishes first. */
  @Override
  public void close() {
    gate.close();
  }

  @Override
  public String toString() {
    return "sender " + address + " " + counters;
  }

  LinkGate gate() {
    return gate;
  }

  private void release(Consumer<AutoCloseable> onClosed) {
    encoder.close();
    synchronized (publication) {
      publication.close();
    }
    onClosed.accept(this);
  }

  private long send(Frame frame) {
    if (frame != pending || frame.revision() != pendingRevision) {
      if (!publication.isConnected()) {
        return publication.isClosed() ? CLOSED : NOT_CONNECTED;
      }
      prepare(frame);
    }
    long result = 1;
    if (!begun) {
      result = sendStart(frame);
    }
    while (result > 0 && sent < frame.payloadLength()) {
      result = sendPart(frame);
    }
    return result;
  }

  private void prepare(Frame frame) {
    if (frame.payloadLength() > maxPayload) {
      throw new IllegalArgumentException(
          "%s: %s: a payload has at most %,d bytes here (maxPayloadBytes)"
              .formatted(address, frame, maxPayload));
    }
    if (frame.epoch() < epoch) {
      throw new IllegalArgumentException(
          "%s: %s: epoch %d has begun on this link".formatted(address, frame, epoch));
    }
    if (begun && pending != null && frame.epoch() == epoch) {
      throw new IllegalStateException(
          "%s: %s: offered in the middle of another frame".formatted(address, frame));
    }
    pending = frame;
    pendingRevision = frame.revision();
    pendingSequence = frame.epoch() == epoch ? nextSequence : 0;
    sentNanos = System.nanoTime();
    payloadCrc = encoder.payloadCrc(frame);
    encoded = false;
    begun = false;
    sent = 0;
  }

  private long sendStart(Frame frame) {
    int headerLength = FrameLayout.startHeader(frame.entries());
    int length = Math.min(frame.payloadLength(), maxMessage - headerLength);
    if (!encoded) {
      encoder.start(frame, pendingSequence, sentNanos, payloadCrc, length);
      seal(frame, headerLength, length);
    }
    long result = transmit(frame, headerLength, length);
    if (result > 0) {
      begun = true;
      sent = length;
      epoch = frame.epoch();
      nextSequence = pendingSequence + 1;
    }
    return result;
  }

  private long sendPart(Frame frame) {
    int length = Math.min(frame.payloadLength() - sent, maxMessage - FrameLayout.PART_HEADER);
    if (!encoded) {
      encoder.part(epoch, pendingSequence, sent, length);
      seal(frame, FrameLayout.PART_HEADER, length);
    }
    long result = transmit(frame, FrameLayout.PART_HEADER, length);
    if (result > 0) {
      sent += length;
    }
    return result;
  }

  private void seal(Frame frame, int headerLength, int length) {
    if (sealer != null) {
      sealer.seal(
          frame.epoch(),
          encoder.buffer(),
          headerLength,
          frame.payloadBuffer(),
          frame.payloadOffset() + sent,
          length);
    }
    encoded = true;
  }

  private long transmit(Frame frame, int headerLength, int length) {
    DirectBuffer body = frame.payloadBuffer();
    int from = frame.payloadOffset() + sent;
    long result =
        sealer == null
            ? transmit(encoder.buffer(), headerLength, body, from, length)
            : transmit(sealer.message(), sealer.message().capacity(), body, from, 0);
    if (result > 0) {
      encoded = false;
      return result;
    }
    // A stream that has used up its positions (2^31 terms) is as good as closed.
    return result == Publication.MAX_POSITION_EXCEEDED ? CLOSED : result;
  }

  private long transmit(
      DirectBuffer head, int headLength, DirectBuffer body, int from, int length) {
    boolean small = headLength + length <= maxClaim;
    long result = ADMIN_ACTION;
    for (int i = 0; result == ADMIN_ACTION && i <= ADMIN_RETRIES; i++) {
      result =
          small
              ? publication.tryClaim(headLength + length, claim)
              : publication.offer(head, 0, headLength, body, from, length, null);
    }
    if (small && result > 0) {
      MutableDirectBuffer to = claim.buffer();
      int at = claim.offset();
      to.putBytes(at, head, 0, headLength);
      to.putBytes(at + headLength, body, from, length);
      claim.commit();
    }
    return result;
  }
}
