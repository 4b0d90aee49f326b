package dev.sluice.actors.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.security.SecurityConfig;
import dev.sluice.actors.security.SecurityConfigException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(90)
class ManagementTest {
  private static Config config(String settings) {
    return ConfigFactory.parseString(settings)
        .withFallback(
            ConfigFactory.parseString(
                """
                akka {
                  loglevel = OFF
                  stdout-loglevel = OFF
                  actor.provider = cluster
                  remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                  jvm-shutdown-hooks = off
                  coordinated-shutdown.run-by-actor-system-terminate = on
                }
                """))
        .withFallback(ConfigFactory.load());
  }

  private static Management management(Config config) {
    return Management.of(config, SecurityConfig.of(config));
  }

  @Test
  void shouldTellHealthAndMembersAndChangeNothing() throws Exception {
    Config config = config("sluice.management { enabled = on, port = %d }".formatted(freePort()));
    int port = config.getInt("sluice.management.port");
    Management management = management(config);
    ActorSystem<Void> system =
        ActorSystem.create(Behaviors.empty(), "sluice", management.akka().withFallback(config));
    try {
      management.start(system, false).toCompletableFuture().join();
      assertThat(status("GET", port, "health/alive")).isEqualTo(200);
      assertThat(status("GET", port, "health/ready")).isEqualTo(500);
      Cluster.get(system).manager().tell(Join.create(Cluster.get(system).selfMember().address()));
      awaitReady(port);
      assertThat(status("GET", port, "cluster/members")).isEqualTo(200);
      String self = Cluster.get(system).selfMember().address().toString();
      assertThat(status("DELETE", port, "cluster/members/" + self.substring(7))).isEqualTo(405);
      assertThat(status("POST", port, "cluster/members")).isEqualTo(405);
      assertThat(status("GET", port, "nothing")).isEqualTo(404);
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().join();
    }
  }

  private static void awaitReady(int port) throws IOException, InterruptedException {
    // Ends by the test's time limit.
    while (status("GET", port, "health/ready") != 200) {
      LockSupport.parkNanos(10_000_000);
    }
  }

  private static int status(String method, int port, String path)
      throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/" + path))
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void shouldBeOffByDefault() {
    assertThat(management(config("")).joins()).isFalse();
  }

  @Test
  void shouldNotBeReachedFromElsewhereUnlessSaid() {
    Config open = config("sluice.management { enabled = on, host = \"0.0.0.0\" }");
    assertThatThrownBy(() -> management(open))
        .isInstanceOf(SecurityConfigException.class)
        .hasMessageContaining("sluice.management.host 0.0.0.0");
  }

  @Test
  void shouldNotDiscoverWithoutItsPort() {
    assertThatThrownBy(() -> management(config("sluice.discovery.method = dns")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("sluice.management.enabled = true");
  }

  @Test
  void shouldDiscoverByTheSettings() {
    Config config =
        config(
            """
            sluice.management.enabled = on
            sluice.discovery { method = kubernetes, service = nodes, nodes = 3 }
            """);
    Management management = management(config);
    assertThat(management.joins()).isTrue();
    Config contact =
        management.akka().getConfig("akka.management.cluster.bootstrap.contact-point-discovery");
    assertThat(contact.getString("discovery-method")).isEqualTo("kubernetes-api");
    assertThat(contact.getString("service-name")).isEqualTo("nodes");
    assertThat(contact.getInt("required-contact-point-nr")).isEqualTo(3);
  }
}
