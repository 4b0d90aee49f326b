package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.ClusterEvent.CurrentClusterState;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.pki.pem.DERPrivateKeyLoader;
import akka.pki.pem.PEMDecoder;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.security.SecurityConfig;
import dev.sluice.ops.certs.TestCertificates;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The actors' port: members are who has a certificate of the authority, nobody else. */
@Timeout(120)
class RemotingSecurityTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int MILLIS = 60_000;

  @TempDir Path folder;

  private final List<ActorSystem<?>> systems = new ArrayList<>();
  private TestCertificates ours;
  private TestCertificates strangers;
  private ActorSystem<?> node;

  @BeforeEach
  void start() {
    ours = TestCertificates.create(folder.resolve("ours"), "cluster").node("a").node("b");
    strangers = TestCertificates.create(folder.resolve("strangers"), "cluster").node("c");
    node = system(ours.settings("a"));
    Cluster.get(node).manager().tell(Join.create(Cluster.get(node).selfMember().address()));
    await().atMost(LIMIT).until(() -> up(node) == 1);
  }

  @AfterEach
  void stop() {
    systems.forEach(ActorSystem::terminate);
    systems.forEach(system -> system.getWhenTerminated().toCompletableFuture().join());
  }

  private ActorSystem<?> system(Config security) {
    Config defaults =
        ConfigFactory.parseString(
                """
                akka {
                  actor.provider = cluster
                  remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                  cluster.downing-provider-class = "akka.cluster.sbr.SplitBrainResolverProvider"
                  cluster.jmx.enabled = off
                  jvm-shutdown-hooks = off
                  coordinated-shutdown.run-by-actor-system-terminate = off
                }
                """)
            .withFallback(ConfigFactory.load());
    Config all = security.atPath(SecurityConfig.PATH).withFallback(defaults);
    Config config = SecurityConfig.of(all).remoting().withFallback(all);
    ActorSystem<?> system = ActorSystem.create(Behaviors.empty(), "sluice", config);
    systems.add(system);
    return system;
  }

  private static long up(ActorSystem<?> system) {
    CurrentClusterState state = Cluster.get(system).state();
    long members = 0;
    for (akka.cluster.Member member : state.getMembers()) {
      members += member.status().equals(MemberStatus.up()) ? 1 : 0;
    }
    return members;
  }

  private void join(ActorSystem<?> system) {
    Cluster.get(system).manager().tell(Join.create(Cluster.get(node).selfMember().address()));
  }

  private Socket connect() throws IOException {
    int port = Cluster.get(node).selfMember().address().getPort().orElseThrow();
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(MILLIS);
    return socket;
  }

  /** Reads until the other end is done with us; an end that keeps waiting is a failure. */
  private static void shouldBeClosed(Socket socket) throws IOException {
    try (InputStream in = socket.getInputStream()) {
      int bytes = 0;
      while (in.read() >= 0) {
        assertThat(bytes++).describedAs("bytes for a stranger").isLessThan(1_000);
      }
    } catch (SocketTimeoutException e) {
      throw e;
    } catch (IOException _) {
      // Closed as well: by an alert or a reset.
    }
  }

  @Test
  void shouldTakeMembersWithACertificateOnly() throws Exception {
    ActorSystem<?> stranger = system(strangers.settings("c"));
    join(stranger);
    Random random = new Random(1);
    for (int i = 0; i < 10; i++) {
      try (Socket socket = connect()) {
        byte[] noise = new byte[1 + random.nextInt(5_000)];
        random.nextBytes(noise);
        // Akka's own greeting, without TLS around it.
        if (i % 2 == 0 && noise.length > 5) {
          System.arraycopy(new byte[] {'A', 'K', 'K', 'A', 1}, 0, noise, 0, 5);
        }
        socket.getOutputStream().write(noise);
        shouldBeClosed(socket);
      }
    }
    shouldBeTurnedAway(context(new KeyManager[0]));
    shouldBeTurnedAway(context(keys(strangers.certificate("c"), strangers.key("c"))));
    ActorSystem<?> member = system(ours.settings("b"));
    join(member);
    await().atMost(LIMIT).until(() -> up(node) == 2 && up(member) == 2);
    assertThat(up(stranger)).isZero();
    assertThat(Cluster.get(node).state().getUnreachable()).isEmpty();
  }

  private void shouldBeTurnedAway(SSLContext context) throws IOException {
    try (Socket plain = connect();
        SSLSocket socket =
            (SSLSocket) context.getSocketFactory().createSocket(plain, "127.0.0.1", 0, true)) {
      try {
        socket.startHandshake();
      } catch (SocketTimeoutException e) {
        throw e;
      } catch (IOException _) {
        return;
      }
      shouldBeClosed(socket);
    }
  }

  /** Of a client that trusts anybody, with or without a certificate. */
  private static SSLContext context(KeyManager[] certificate) throws Exception {
    X509TrustManager anybody =
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(X509Certificate[] chain, String type) {}

          @Override
          public void checkServerTrusted(X509Certificate[] chain, String type) {}

          @Override
          public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
          }
        };
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(certificate, new TrustManager[] {anybody}, null);
    return context;
  }

  private static KeyManager[] keys(Path certificate, Path keyFile) throws Exception {
    try (InputStream in = Files.newInputStream(certificate)) {
      Certificate own = CertificateFactory.getInstance("X.509").generateCertificate(in);
      String key = Files.readString(keyFile);
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null);
      store.setKeyEntry(
          "own",
          DERPrivateKeyLoader.load(PEMDecoder.decode(key)),
          new char[0],
          new Certificate[] {own});
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, new char[0]);
      return factory.getKeyManagers();
    }
  }
}
