package dev.sluice.actors.security;

import static java.nio.charset.StandardCharsets.UTF_8;

import akka.pki.pem.DERPrivateKeyLoader;
import akka.pki.pem.PEMDecoder;
import dev.sluice.transport.LinkSecret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;

/**
 * Reads what {@link SecurityConfig} names, so that what is wrong is said when a node starts, and
 * not in a stranger's words when its first connection fails.
 */
final class CredentialFiles {
  /** Far more than a certificate, a key or a secret takes. */
  private static final int MAX_BYTES = 64 << 10;

  private CredentialFiles() {}

  static LinkSecret secret(Path file) {
    return secret(new String(read(file, "the secret"), UTF_8).strip(), file.toString());
  }

  static LinkSecret secret(String text, String where) {
    try {
      return LinkSecret.of(text.getBytes(UTF_8));
    } catch (IllegalArgumentException e) {
      throw new SecurityConfigException(
          "%s: a secret has at least %d random characters; 'sluice certs init' makes one"
              .formatted(where, LinkSecret.MIN_BYTES),
          e);
    }
  }

  static void check(Path caFile, Path certificateFile, Path keyFile) {
    X509Certificate ca = certificate(caFile, "the authority's certificate");
    X509Certificate own = certificate(certificateFile, "the node's certificate");
    PrivateKey key = key(keyFile);
    try {
      own.checkValidity();
      ca.checkValidity();
      own.verify(ca.getPublicKey());
    } catch (GeneralSecurityException e) {
      throw new SecurityConfigException(
          "%s: not a certificate that is valid now and made by %s: %s"
              .formatted(certificateFile, caFile, e.getMessage()),
          e);
    }
    if (!(key instanceof RSAPrivateKey secret)
        || !(own.getPublicKey() instanceof RSAPublicKey open)
        || !secret.getModulus().equals(open.getModulus())) {
      throw new SecurityConfigException(
          "%s: not the key of the certificate %s".formatted(keyFile, certificateFile));
    }
  }

  private static X509Certificate certificate(Path file, String what) {
    byte[] bytes = read(file, what);
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(bytes));
    } catch (GeneralSecurityException e) {
      throw new SecurityConfigException(
          "%s: not a certificate in PEM: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static PrivateKey key(Path file) {
    byte[] bytes = read(file, "the node's key");
    try {
      return DERPrivateKeyLoader.load(PEMDecoder.decode(new String(bytes, UTF_8)));
    } catch (Exception e) {
      // What Akka throws is declared in Scala only. Its text may hold pieces of the key.
      throw new SecurityConfigException(
          file + ": not an RSA key in PEM (PKCS#8, not encrypted), which is what TLS needs here");
    }
  }

  private static byte[] read(Path file, String what) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new SecurityConfigException(
            "%s: too long to be %s (at most %,d bytes)".formatted(file, what, MAX_BYTES));
      }
      return bytes;
    } catch (NoSuchFileException e) {
      throw new SecurityConfigException("%s: %s is not there".formatted(file, what), e);
    } catch (IOException e) {
      throw new SecurityConfigException(
          "%s: %s cannot be read: %s".formatted(file, what, e.getMessage()), e);
    }
  }
}
