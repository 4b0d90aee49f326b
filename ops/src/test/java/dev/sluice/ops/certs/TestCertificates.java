package dev.sluice.ops.certs;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** A cluster's certificates, for tests. */
public final class TestCertificates {
  private final CertificateFolder folder;
  private final CertificateAuthority authority;

  private TestCertificates(CertificateFolder folder, CertificateAuthority authority) {
    this.folder = folder;
    this.authority = authority;
  }

  /** Makes an authority and a secret in a new folder. */
  public static TestCertificates create(Path folder, String cluster) {
    CertificateAuthority authority =
        CertificateAuthority.create(cluster, Instant.now(), Duration.ofDays(1));
    CertificateFolder files = new CertificateFolder(folder);
    files.writeAuthority(authority);
    return new TestCertificates(files, authority);
  }

  /** Makes a node's certificate. */
  public TestCertificates node(String name) {
    folder.writeNode(
        name, authority.node(name, List.of("127.0.0.1"), Instant.now(), Duration.ofDays(1)));
    return this;
  }

  /** A node's certificate. */
  public Path certificate(String node) {
    return folder.certificate(node);
  }

  /** A node's key. */
  public Path key(String node) {
    return folder.key(node);
  }

  /** The settings of {@code sluice.security} of a node. */
  public Config settings(String node) {
    return ConfigFactory.parseString(
        "ca=\"%s\",certificate=\"%s\",key=\"%s\",secret-file=\"%s\""
            .formatted(
                folder.caCertificate(),
                folder.certificate(node),
                folder.key(node),
                folder.secret()));
  }
}
