package dev.sluice.transport;

import dev.sluice.transport.codec.MessageHeaderEncoder;
import dev.sluice.transport.codec.SealedEncoder;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import javax.crypto.SecretKey;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Seals the messages of one sender. No key is used for a second message of the same number: keys
 * are bound to what is drawn here, and numbers only rise. For one thread.
 */
final class Sealer {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final LinkSecret secret;
  private final LinkAddress address;
  private final long senderHigh;
  private final long senderLow;
  private final AesGcm aes = new AesGcm();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final SealedEncoder encoder = new SealedEncoder();
  private final UnsafeBuffer message = new UnsafeBuffer(0, 0);
  private byte[] plain = new byte[0];
  private byte[] sealed = new byte[0];
  private int epoch = -1;
  private @Nullable SecretKey key;
  private long number;

  Sealer(LinkSecret secret, LinkAddress address) {
    this.secret = secret;
    this.address = address;
    byte[] drawn = new byte[LinkSecret.SENDER];
    RANDOM.nextBytes(drawn);
    ByteBuffer sender = ByteBuffer.wrap(drawn);
    senderHigh = sender.getLong();
    senderLow = sender.getLong();
  }

  /**
   * Seals a message of two parts, which stays in {@link #message()} until the next.
   *
   * @param head its beginning, from 0 on
   * @param body the rest
   */
  void seal(
      int messageEpoch,
      DirectBuffer head,
      int headLength,
      DirectBuffer body,
      int bodyOffset,
      int bodyLength) {
    SecretKey current = key;
    if (current == null || messageEpoch != epoch) {
      current = secret.key(address, messageEpoch, senderHigh, senderLow);
      key = current;
      epoch = messageEpoch;
    }
    int length = headLength + bodyLength;
    plain = AesGcm.room(plain, length, FrameLayout.MAX_SEALED);
    head.getBytes(0, plain, 0, headLength);
    body.getBytes(bodyOffset, plain, headLength, bodyLength);
    int sealedLength = length + FrameLayout.SEALED_OVERHEAD;
    sealed = AesGcm.room(sealed, sealedLength, FrameLayout.MAX_SEALED);
    message.wrap(sealed, 0, sealedLength);
    encoder
        .wrapAndApplyHeader(message, 0, header)
        .epoch(messageEpoch)
        .reserved(0)
        .number(number)
        .senderHigh(senderHigh)
        .senderLow(senderLow);
    aes.encrypt(current, number++, plain, length, sealed, FrameLayout.SEALED_HEADER);
  }

  /** The message that was sealed last. */
  DirectBuffer message() {
    return message;
  }
}
