package dev.sluice.transport;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * The secret that all machines of a cluster share, from which the keys of sealed links are derived
 * (HKDF with SHA-256, RFC 5869). Immutable. It must be random: nothing here slows down somebody who
 * tries out words.
 */
public final class LinkSecret {
  /** The least length of a secret. */
  public static final int MIN_BYTES = 32;

  /** The bytes of what tells one sender from all others. */
  static final int SENDER = 2 * Long.BYTES;

  private static final byte[] PURPOSE = "sluice sealed frames, version 1".getBytes(US_ASCII);
  private static final int KEY_BYTES = 32;

  private final byte[] bytes;

  private LinkSecret(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A secret of these bytes, which are copied.
   *
   * @throws IllegalArgumentException if they are fewer than {@link #MIN_BYTES}
   */
  public static LinkSecret of(byte[] bytes) {
    if (bytes.length < MIN_BYTES) {
      throw new IllegalArgumentException(
          "a link's secret has at least %d random bytes, this one has %d"
              .formatted(MIN_BYTES, bytes.length));
    }
    return new LinkSecret(bytes.clone());
  }

  /**
   * The key of what one sender sends on a link in an epoch. Links are told apart by name and stream
   * and not by endpoint, which the two ends may know under different addresses.
   */
  SecretKey key(LinkAddress link, int epoch, long senderHigh, long senderLow) {
    byte[] name = link.name().getBytes(US_ASCII);
    byte[] info =
        ByteBuffer.allocate(PURPOSE.length + 2 * Integer.BYTES + name.length)
            .put(PURPOSE)
            .putInt(link.streamId())
            .putInt(epoch)
            .put(name)
            .array();
    byte[] salt = ByteBuffer.allocate(SENDER).putLong(senderHigh).putLong(senderLow).array();
    try {
      return KDF.getInstance("HKDF-SHA256")
          .deriveKey(
              "AES",
              HKDFParameterSpec.ofExtract()
                  .addIKM(bytes)
                  .addSalt(salt)
                  .thenExpand(info, KEY_BYTES));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java cannot derive keys (HKDF-SHA256)", e);
    }
  }

  /** Says nothing of it. */
  @Override
  public String toString() {
    return "a secret";
  }
}
