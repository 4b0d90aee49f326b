package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.security.SecurityConfig;
import dev.sluice.actors.security.SecurityConfigException;
import dev.sluice.ops.certs.TestCertificates;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertsCommandTest {
  @TempDir Path folder;

  private int certs(String... args) {
    return Sluice.execute(
        Stream.concat(Stream.of("certs"), Stream.of(args)).toArray(String[]::new));
  }

  private SecurityConfig security(String ca, String certificate, String key) {
    return SecurityConfig.of(
        ConfigFactory.parseString(
                "ca=\"%s\",certificate=\"%s\",key=\"%s\",secret-file=\"%s\""
                    .formatted(
                        folder.resolve(ca),
                        folder.resolve(certificate),
                        folder.resolve(key),
                        folder.resolve("secret")))
            .atPath(SecurityConfig.PATH)
            .withFallback(ConfigFactory.defaultReference()));
  }

  @Test
  void shouldMakeWhatANodeNeeds() throws IOException {
    String to = folder.toString();
    assertThat(certs("init", "-o", to)).isZero();
    assertThat(certs("node", "a", "--host", "10.0.0.1", "--host", "a.example", "-o", to)).isZero();
    assertThat(security("ca.pem", "a.pem", "a-key.pem").isOn()).isTrue();
    assumeThat(FileSystems.getDefault().supportedFileAttributeViews()).contains("posix");
    for (String hidden : List.of("ca-key.pem", "a-key.pem", "secret")) {
      assertThat(
              PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(hidden))))
          .describedAs(hidden)
          .isEqualTo("rw-------");
    }
  }

  @Test
  void shouldWriteNothingOver() throws IOException {
    String to = folder.toString();
    assertThat(certs("init", "-o", to)).isZero();
    String before = Files.readString(folder.resolve("secret"));
    assertThat(certs("init", "-o", to)).isEqualTo(1);
    assertThat(Files.readString(folder.resolve("secret"))).isEqualTo(before);
    Files.createFile(folder.resolve("a.pem"));
    assertThat(certs("node", "a", "-o", to)).isEqualTo(1);
    assertThat(folder.resolve("a-key.pem")).doesNotExist();
  }

  @Test
  void shouldRefuseNamesThatAreNone() {
    String to = folder.toString();
    for (String name : List.of("ca", "../a", "a/b", "", "a-key", "a_b", "x".repeat(64))) {
      assertThat(certs("node", name, "-o", to)).describedAs(name).isEqualTo(2);
    }
    assertThat(certs("node", "a", "--host", "a b", "-o", to)).isEqualTo(2);
    assertThat(certs("init", "--cluster", "a,CN=b", "-o", to)).isEqualTo(2);
    assertThat(certs("init", "--days", "0", "-o", to)).isEqualTo(2);
    assertThat(certs("node", "a", "-o", to)).isEqualTo(1);
  }

  @Test
  void shouldTellFilesThatDoNotBelongTogether() {
    TestCertificates.create(folder, "one").node("a").node("b");
    TestCertificates.create(folder.resolve("other"), "one").node("a");
    assertThatThrownBy(() -> security("ca.pem", "a.pem", "b-key.pem"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("not the key of the certificate");
    assertThatThrownBy(() -> security("other/ca.pem", "a.pem", "a-key.pem"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("not a certificate that is valid now and made by");
    assertThatThrownBy(() -> security("ca.pem", "a.pem", "a.pem"))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("not an RSA key in PEM");
  }
}
