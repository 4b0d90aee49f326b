package dev.sluice.transport;

import dev.sluice.transport.SealedSenders.Sender;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.SealedDecoder;
import javax.crypto.SecretKey;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What comes through one image of a sealed link: fragments are put together to messages, and those
 * that are authentic and new go on to an {@link Inbound}. Anything else is counted and dropped. It
 * fails an epoch only where it stands in the place of what a known sender sent: that is lost then,
 * whoever wrote over it. For one thread.
 */
final class SealedInbound {
  private final LinkSecret secret;
  private final LinkAddress address;
  private final SealedSenders senders;
  private final Inbound inbound;
  private final EpochLedger ledger;
  private final AesGcm aes = new AesGcm();
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final SealedDecoder decoder = new SealedDecoder();
  private final UnsafeBuffer message = new UnsafeBuffer(0, 0);
  private final UnsafeBuffer opened = new UnsafeBuffer(0, 0);
  private byte[] sealed = new byte[0];
  private byte[] plain = new byte[0];

  /** Whose messages these are; null until one of them was authentic. */
  private @Nullable Sender sender;

  /** Within a message that is wanted, of which there are so many bytes. */
  private boolean within;

  private int bytes;

  /** Something came that none who has the secret has sent, and nothing else yet. */
  private boolean foreign;

  SealedInbound(
      LinkSecret secret,
      LinkAddress address,
      SealedSenders senders,
      Inbound inbound,
      EpochLedger ledger) {
    this.secret = secret;
    this.address = address;
    this.senders = senders;
    this.inbound = inbound;
    this.ledger = ledger;
  }

  /** As {@link Inbound#onFragment}. */
  boolean onFragment(DirectBuffer buffer, int offset, int length, boolean begin, boolean end) {
    if (inbound.isHeld()) {
      return true;
    }
    if (begin) {
      if (within) {
        refuse("a message without its end");
      }
      within = true;
      bytes = 0;
    }
    if (within && length > FrameLayout.MAX_SEALED - bytes) {
      refuse("longer than a message may be");
    }
    if (!within) {
      return false;
    }
    if (bytes + length > sealed.length) {
      byte[] grown = AesGcm.room(sealed, bytes + length, FrameLayout.MAX_SEALED);
      System.arraycopy(sealed, 0, grown, 0, bytes);
      sealed = grown;
    }
    buffer.getBytes(offset, sealed, bytes, length);
    bytes += length;
    return end && open() && inbound.isHeld();
  }

  /** Whether all that came is a stranger's. */
  boolean isForeign() {
    return foreign;
  }

  /** The image is gone. */
  void onGone() {
    if (within && sender != null) {
      refuse("the sender went away in the middle of a message");
    }
    inbound.onGone();
    if (sender != null) {
      sender.inbound = null;
    }
  }

  private boolean open() {
    within = false;
    if (bytes < FrameLayout.SEALED_OVERHEAD) {
      refuse("shorter than a sealed message");
      return false;
    }
    message.wrap(sealed, 0, bytes);
    header.wrap(message, 0);
    if (header.schemaId() != SealedDecoder.SCHEMA_ID
        || header.version() != SealedDecoder.SCHEMA_VERSION
        || header.templateId() != SealedDecoder.TEMPLATE_ID
        || header.blockLength() != SealedDecoder.BLOCK_LENGTH) {
      refuse("it is not sealed, or in another version");
      return false;
    }
    decoder.wrap(
        message,
        MessageHeaderDecoder.ENCODED_LENGTH,
        SealedDecoder.BLOCK_LENGTH,
        SealedDecoder.SCHEMA_VERSION);
    Sender from = from(decoder.senderHigh(), decoder.senderLow());
    return from != null && decrypt(from, decoder.epoch(), decoder.number());
  }

  /** Whose the message claims to be, where that can be. */
  private @Nullable Sender from(long high, long low) {
    Sender bound = sender;
    if (bound != null) {
      if (bound.high == high && bound.low == low) {
        return bound;
      }
      refuse("of another sender in the midst of one's messages");
      return null;
    }
    Sender known = senders.find(high, low);
    if (known == null) {
      if (senders.isFull()) {
        refuse("a sender more than the " + SealedSenders.LIMIT + " that a link may ever have");
        return null;
      }
      return new Sender(high, low);
    }
    if (known.inbound != null) {
      String reason = "its sender is connected already";
      ledger.replayed(reason);
      dropped(reason);
      return null;
    }
    return known;
  }

  private boolean decrypt(Sender from, int epoch, long number) {
    if (number <= from.number) {
      String reason = "number " + number + " came after " + from.number;
      ledger.replayed(reason);
      dropped(reason);
      return false;
    }
    SecretKey key = from.key;
    if (key == null || epoch != from.epoch) {
      key = secret.key(address, epoch, from.high, from.low);
    }
    int length = bytes - FrameLayout.SEALED_OVERHEAD;
    plain = AesGcm.room(plain, length, FrameLayout.MAX_SEALED);
    if (!aes.decrypt(key, number, sealed, bytes, FrameLayout.SEALED_HEADER, plain)) {
      refuse("sealed with another secret or for another link, or changed on its way");
      return false;
    }
    from.number = number;
    from.epoch = epoch;
    from.key = key;
    if (sender == null) {
      sender = from;
      from.inbound = this;
      foreign = false;
      if (senders.find(from.high, from.low) == null) {
        senders.add(from);
      }
    }
    opened.wrap(plain, 0, length);
    inbound.onFragment(opened, 0, length, true, true);
    return true;
  }

  private void refuse(String reason) {
    within = false;
    ledger.forged(reason);
    dropped(reason);
  }

  private void dropped(String reason) {
    Sender bound = sender;
    if (bound == null) {
      foreign = true;
    } else {
      ledger.gap("what a known sender sent, since something else stood in its place");
      ledger.fail(bound.epoch, "a message was refused: " + reason);
    }
  }
}
