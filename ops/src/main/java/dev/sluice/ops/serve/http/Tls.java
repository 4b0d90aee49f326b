package dev.sluice.ops.serve.http;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/** TLS by a certificate and its key in PEM, which may be renewed in place. */
public final class Tls implements Supplier<SSLEngine> {
  private static final int MAX_FILE = 1 << 20;
  private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String END = "-----END PRIVATE KEY-----";
  private static final char[] NO_PASSWORD = {};

  private final WatchedFiles<SSLContext> contexts;

  private Tls(WatchedFiles<SSLContext> contexts) {
    this.contexts = contexts;
  }

  /**
   * Reads certificate and key.
   *
   * @param certificate the server's own first, then those that it was signed by
   * @param key in PKCS#8, not encrypted; RSA or EC
   * @param clock nanoseconds, ascending
   * @throws IOException telling what is wrong with them
   */
  public static Tls open(Path certificate, Path key, LongSupplier clock) throws IOException {
    return new Tls(
        new WatchedFiles<>(List.of(certificate, key), () -> context(certificate, key), clock));
  }

  /** For a new connection. */
  @Override
  public SSLEngine get() {
    SSLEngine engine = contexts.get().createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    return engine;
  }

  private static SSLContext context(Path certificate, Path key) throws IOException {
    Certificate[] chain = chain(certificate);
    PrivateKey secret = key(key);
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, NO_PASSWORD);
      store.setKeyEntry("server", secret, NO_PASSWORD, chain);
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, NO_PASSWORD);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException(
          "%s and %s are no certificate and its key: %s"
              .formatted(certificate, key, e.getMessage()),
          e);
    }
  }

  private static Certificate[] chain(Path file) throws IOException {
    byte[] bytes = read(file);
    try {
      Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes))
              .toArray(Certificate[]::new);
      if (chain.length == 0) {
        throw new IOException(file + ": has no certificate");
      }
      return chain;
    } catch (GeneralSecurityException e) {
      throw new IOException(file + ": not a certificate in PEM: " + e.getMessage(), e);
    }
  }

  private static PrivateKey key(Path file) throws IOException {
    String text = new String(read(file), StandardCharsets.US_ASCII);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IOException(file + ": not a key in PEM (PKCS#8, not encrypted)");
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN.length(), end));
      for (String algorithm : List.of("RSA", "EC")) {
        try {
          return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (InvalidKeySpecException e) {
          // The next one, perhaps.
        }
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // Said below: what these say may hold pieces of the key.
    }
    throw new IOException(file + ": not an RSA or EC key (PKCS#8, not encrypted)");
  }

  private static byte[] read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": no such file");
    }
    if (Files.size(file) > MAX_FILE) {
      throw new IOException(file + ": too long to be a certificate or a key");
    }
    return Files.readAllBytes(file);
  }
}
