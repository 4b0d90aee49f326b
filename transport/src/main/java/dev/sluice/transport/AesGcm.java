package dev.sluice.transport;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.agrona.BitUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * AES-256-GCM (NIST SP 800-38D) of messages that are numbered: the number is the nonce. Works on
 * arrays, since that is what the JDK's fast code takes; of other memory it makes copies that it
 * throws away. For one thread.
 */
final class AesGcm {
  /** Bytes that encrypting adds. */
  static final int TAG = 16;

  private static final int NONCE = 12;

  private final Cipher cipher;
  private final byte[] nonce = new byte[NONCE];
  private final UnsafeBuffer nonceView = new UnsafeBuffer(nonce);

  AesGcm() {
    try {
      cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no AES-GCM", e);
    }
  }

  /**
   * Encrypts.
   *
   * @param number one that was never used with this key
   * @param to gets the first bytes, which are authenticated, from who calls; behind them come the
   *     ciphertext and the tag
   * @param clear how many bytes come from who calls
   */
  void encrypt(SecretKey key, long number, byte[] from, int length, byte[] to, int clear) {
    try {
      begin(Cipher.ENCRYPT_MODE, key, number);
      cipher.updateAAD(to, 0, clear);
      int written = cipher.doFinal(from, 0, length, to, clear);
      if (written != length + TAG) {
        throw new IllegalStateException("AES-GCM made %d bytes of %d".formatted(written, length));
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-GCM fails", e);
    }
  }

  /**
   * Decrypts what {@link #encrypt} made.
   *
   * @return whether it is what was encrypted; only then is what stands in {@code to} worth anything
   */
  boolean decrypt(SecretKey key, long number, byte[] from, int length, int clear, byte[] to) {
    try {
      begin(Cipher.DECRYPT_MODE, key, number);
      cipher.updateAAD(from, 0, clear);
      cipher.doFinal(from, clear, length - clear, to, 0);
      return true;
    } catch (AEADBadTagException _) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-GCM fails", e);
    }
  }

  /** An array of at least this length: the old one where it does, else one twice as long. */
  static byte[] room(byte[] old, int length, int limit) {
    if (length <= old.length) {
      return old;
    }
    return new byte[Math.min(limit, BitUtil.findNextPositivePowerOfTwo(Math.max(length, 4_096)))];
  }

  private void begin(int mode, SecretKey key, long number) throws GeneralSecurityException {
    nonceView.putLong(NONCE - Long.BYTES, number, BIG_ENDIAN);
    cipher.init(mode, key, new GCMParameterSpec(8 * TAG, nonce));
  }
}
