package dev.sluice.transport;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What happened on one end of a link since it was opened. Written by the thread of that end, read
 * by any.
 */
public final class LinkCounters {
  final AtomicLong frames = new AtomicLong();
  final AtomicLong bytes = new AtomicLong();
  final AtomicLong refused = new AtomicLong();
  final AtomicLong stale = new AtomicLong();
  final AtomicLong malformed = new AtomicLong();
  final AtomicLong crc = new AtomicLong();
  final AtomicLong gaps = new AtomicLong();
  final AtomicLong forged = new AtomicLong();
  final AtomicLong replayed = new AtomicLong();

  LinkCounters() {}

  /** Single writer: no read-modify-write of the processor is needed. */
  static void add(AtomicLong counter, long n) {
    counter.setOpaque(counter.getPlain() + n);
  }

  /** Whole frames sent, or delivered to the handler and taken by it. */
  public long frames() {
    return frames.getOpaque();
  }

  /** Payload bytes of {@link #frames()}. */
  public long bytes() {
    return bytes.getOpaque();
  }

  /** Sender: offers that flow control turned down. Receiver: frames the handler put off. */
  public long refused() {
    return refused.getOpaque();
  }

  /** Receiver: frames dropped because their epoch is over. */
  public long stale() {
    return stale.getOpaque();
  }

  /** Receiver: messages that are not what the schema says, or beyond a limit. */
  public long malformed() {
    return malformed.getOpaque();
  }

  /** Receiver: frames whose payload is not what was sent. */
  public long crc() {
    return crc.getOpaque();
  }

  /** Receiver: times that frames, or parts of one, were missing. */
  public long gaps() {
    return gaps.getOpaque();
  }

  /** Receiver of a sealed link: messages that nobody with the secret has sealed for this link. */
  public long forged() {
    return forged.getOpaque();
  }

  /** Receiver of a sealed link: messages that came before. */
  public long replayed() {
    return replayed.getOpaque();
  }

  @Override
  public String toString() {
    return "frames=%d bytes=%d refused=%d stale=%d malformed=%d crc=%d gaps=%d forged=%d replayed=%d"
        .formatted(
            frames(),
            bytes(),
            refused(),
            stale(),
            malformed(),
            crc(),
            gaps(),
            forged(),
            replayed());
  }
}
