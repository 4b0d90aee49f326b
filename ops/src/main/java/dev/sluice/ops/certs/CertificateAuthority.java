package dev.sluice.ops.certs;

import dev.sluice.ops.CommandException;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x500.style.IETFUtils;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.IPAddress;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemReader;
import org.bouncycastle.util.io.pem.PemWriter;

/**
 * An authority for the certificates of one cluster's nodes (X.509, RFC 5280): a certificate that is
 * its own authority, and its key. Keys are RSA, because Akka's reader of PEM files knows no other.
 */
final class CertificateAuthority {
  private static final int KEY_BITS = 3_072;
  private static final String SIGNATURE = "SHA256withRSA";

  /** Clocks of machines differ. */
  private static final Duration BACKDATED = Duration.ofHours(1);

  private static final SecureRandom RANDOM = new SecureRandom();

  private final X509CertificateHolder certificate;
  private final PrivateKey key;

  /** A certificate and its key, both in PEM. */
  record Issued(String certificate, String key) {}

  private CertificateAuthority(X509CertificateHolder certificate, PrivateKey key) {
    this.certificate = certificate;
    this.key = key;
  }

  /** Makes one for a cluster of this name. */
  static CertificateAuthority create(String cluster, Instant now, Duration valid) {
    try {
      KeyPair pair = pair();
      X500Name self = name(cluster, "certificate authority of " + cluster);
      JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
      X509v3CertificateBuilder builder =
          builder(self, self, pair.getPublic(), now, valid)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
              .addExtension(
                  Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
              .addExtension(
                  Extension.subjectKeyIdentifier,
                  false,
                  extensions.createSubjectKeyIdentifier(pair.getPublic()));
      return new CertificateAuthority(sign(builder, pair.getPrivate()), pair.getPrivate());
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw failed(e);
    }
  }

  /**
   * One that was made before.
   *
   * @throws CommandException if these are not a certificate and an RSA key in PEM
   */
  static CertificateAuthority of(Issued files) {
    try {
      return new CertificateAuthority(
          new X509CertificateHolder(fromPem("CERTIFICATE", files.certificate())),
          KeyFactory.getInstance("RSA")
              .generatePrivate(new PKCS8EncodedKeySpec(fromPem("PRIVATE KEY", files.key()))));
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw new CommandException(
          "these are not the certificate and the key that 'sluice certs init' makes", e);
    }
  }

  Issued issued() {
    try {
      return new Issued(
          toPem("CERTIFICATE", certificate.getEncoded()), toPem("PRIVATE KEY", key.getEncoded()));
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /**
   * Makes a certificate for a node. The cluster's name stands in each: two nodes accept each other
   * for it.
   *
   * @param hosts names and literal addresses under which others reach the node
   */
  Issued node(String node, List<String> hosts, Instant now, Duration valid) {
    try {
      String cluster = cluster();
      KeyPair pair = pair();
      List<GeneralName> names = new ArrayList<>();
      names.add(new GeneralName(GeneralName.dNSName, cluster));
      for (String host : hosts) {
        int kind = IPAddress.isValid(host) ? GeneralName.iPAddress : GeneralName.dNSName;
        names.add(new GeneralName(kind, host));
      }
      JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
      X509v3CertificateBuilder builder =
          builder(
                  certificate.getSubject(),
                  name(cluster, node + "." + cluster),
                  pair.getPublic(),
                  now,
                  valid)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(
                  Extension.extendedKeyUsage,
                  false,
                  new ExtendedKeyUsage(
                      new KeyPurposeId[] {
                        KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
                      }))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(names.toArray(new GeneralName[0])))
              .addExtension(
                  Extension.authorityKeyIdentifier,
                  false,
                  extensions.createAuthorityKeyIdentifier(certificate))
              .addExtension(
                  Extension.subjectKeyIdentifier,
                  false,
                  extensions.createSubjectKeyIdentifier(pair.getPublic()));
      return new Issued(
          toPem("CERTIFICATE", sign(builder, key).getEncoded()),
          toPem("PRIVATE KEY", pair.getPrivate().getEncoded()));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw failed(e);
    }
  }

  /** The cluster's name, which the authority's certificate has as its organisation. */
  String cluster() {
    RDN[] found = certificate.getSubject().getRDNs(BCStyle.O);
    if (found.length != 1) {
      throw new CommandException(
          "the authority's certificate names no cluster; 'sluice certs init' makes one that does");
    }
    return IETFUtils.valueToString(found[0].getFirst().getValue());
  }

  private static X509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, PublicKey publicKey, Instant now, Duration valid) {
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(127, RANDOM).setBit(126),
        Date.from(now.minus(BACKDATED)),
        Date.from(now.plus(valid)),
        subject,
        publicKey);
  }

  private static X509CertificateHolder sign(X509v3CertificateBuilder builder, PrivateKey with)
      throws OperatorCreationException {
    return builder.build(new JcaContentSignerBuilder(SIGNATURE).build(with));
  }

  private static X500Name name(String cluster, String common) {
    return new X500NameBuilder(BCStyle.INSTANCE)
        .addRDN(BCStyle.O, cluster)
        .addRDN(BCStyle.CN, common)
        .build();
  }

  private static KeyPair pair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(KEY_BITS, RANDOM);
    return generator.generateKeyPair();
  }

  private static String toPem(String type, byte[] bytes) throws IOException {
    StringWriter text = new StringWriter();
    try (PemWriter writer = new PemWriter(text)) {
      writer.writeObject(new PemObject(type, bytes));
    }
    return text.toString();
  }

  private static byte[] fromPem(String type, String text) throws IOException {
    try (PemReader reader = new PemReader(new StringReader(text))) {
      PemObject object = reader.readPemObject();
      if (object == null || !object.getType().equals(type)) {
        throw new IOException("no " + type);
      }
      return object.getContent();
    }
  }

  private static CommandException failed(Exception e) {
    return new CommandException("a certificate could not be made: " + e.getMessage(), e);
  }
}
