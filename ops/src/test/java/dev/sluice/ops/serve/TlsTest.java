package dev.sluice.ops.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.ops.TestServer;
import dev.sluice.ops.certs.TestCertificates;
import dev.sluice.ops.serve.http.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TlsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void shouldTakeARenewedCertificateWithoutARestart() throws Exception {
    TestCertificates made = TestCertificates.create(folder, "c").node("one").node("two");
    Path certificate = folder.resolve("now.pem");
    Path key = folder.resolve("now-key.pem");
    install(made, "one", certificate, key);
    AtomicLong clock = new AtomicLong();
    Tls tls = Tls.open(certificate, key, clock::get);
    try (TestServer server = TestServer.start(1, settings -> settings.withTls(tls))) {
      server.load();
      X509Certificate first = seen(server);
      assertThat(first).isEqualTo(read(made.certificate("one")));
      install(made, "two", certificate, key);
      clock.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(seen(server)).isEqualTo(read(made.certificate("two")));
      Files.writeString(key, "no key");
      clock.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(seen(server)).isEqualTo(read(made.certificate("two")));
    }
  }

  private static void install(TestCertificates made, String name, Path certificate, Path key)
      throws IOException {
    Files.copy(made.certificate(name), certificate, StandardCopyOption.REPLACE_EXISTING);
    Files.copy(made.key(name), key, StandardCopyOption.REPLACE_EXISTING);
    // As renewed files have: so that their times differ however fast this is.
    Files.setLastModifiedTime(key, FileTime.fromMillis(name.equals("one") ? 1_000 : 2_000));
  }

  private static X509Certificate read(Path file) throws Exception {
    try (InputStream in = Files.newInputStream(file)) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  /** What the server shows to one that trusts the authority, and answers. */
  private X509Certificate seen(TestServer server) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("ca", read(folder.resolve("ca.pem")));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (Socket socket =
        context
            .getSocketFactory()
            .createSocket(server.server().address().getAddress(), server.port())) {
      socket
          .getOutputStream()
          .write(
              "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      assertThat(new String(socket.getInputStream().readNBytes(15), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 200 OK");
      return (X509Certificate) ((SSLSocket) socket).getSession().getPeerCertificates()[0];
    }
  }
}
