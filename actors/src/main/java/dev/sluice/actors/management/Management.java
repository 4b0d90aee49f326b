package dev.sluice.actors.management;

import akka.actor.typed.ActorSystem;
import akka.http.javadsl.model.Uri;
import akka.management.cluster.bootstrap.ClusterBootstrap;
import akka.management.javadsl.AkkaManagement;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.security.SecurityConfig;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A node's HTTP port, for reading only, and the forming of a cluster without a seed node: what
 * {@code sluice.management} and {@code sluice.discovery} say. It serves {@code /health/alive} (200
 * as long as the process answers), {@code /health/ready} (200 when the node is a member of its
 * cluster, else 500), {@code /cluster/members} (JSON), and what other nodes ask to find each other.
 *
 * <p>The port speaks plain HTTP also where security is on: it tells names and states of nodes to
 * whoever reaches it, and changes nothing. Joining goes through the actors' port, with a
 * certificate.
 */
public final class Management {
  private static final String MANAGEMENT = "sluice.management";
  private static final String DISCOVERY = "sluice.discovery";

  /** How nodes find each other. */
  private enum Method {
    /** They are told. */
    NONE,
    /** The addresses of a name: those of all nodes. */
    DNS,
    /** The pods with a label. */
    KUBERNETES
  }

  private final boolean enabled;
  private final boolean bootstrap;
  private final Config akka;

  private Management(boolean enabled, boolean bootstrap, Config akka) {
    this.enabled = enabled;
    this.bootstrap = bootstrap;
    this.akka = akka;
  }

  /**
   * Reads the settings.
   *
   * @throws ConfigException if they are not what reference.conf says, or discovery is on and the
   *     port is off
   * @throws dev.sluice.actors.security.SecurityConfigException if the port must not be opened where
   *     the settings say
   */
  public static Management of(Config config, SecurityConfig security) {
    Config http = config.getConfig(MANAGEMENT);
    Config discovery = config.getConfig(DISCOVERY);
    boolean enabled = http.getBoolean("enabled");
    Method method = method(discovery.getString("method"));
    if (method != Method.NONE && !enabled) {
      throw new ConfigException.BadValue(
          DISCOVERY + ".method",
          "nodes find each other through their HTTP ports: set " + MANAGEMENT + ".enabled = true");
    }
    String host = http.getString("host");
    if (enabled) {
      security.checkBind(MANAGEMENT + ".host", host);
    }
    Map<String, Object> settings = new HashMap<>();
    settings.put("akka.management.http.hostname", host);
    settings.put("akka.management.http.port", http.getInt("port"));
    settings.put("akka.management.http.route-providers-read-only", true);
    settings.put("akka.management.health-checks.readiness-path", "health/ready");
    settings.put("akka.management.health-checks.liveness-path", "health/alive");
    if (method != Method.NONE) {
      String contact = "akka.management.cluster.bootstrap.contact-point-discovery.";
      settings.put(contact + "service-name", discovery.getString("service"));
      settings.put(contact + "required-contact-point-nr", discovery.getInt("nodes"));
      settings.put(
          contact + "discovery-method", method == Method.DNS ? "akka-dns" : "kubernetes-api");
      settings.put("akka.discovery.kubernetes-api.use-raw-ip", true);
      settings.put("akka.discovery.kubernetes-api.pod-label-selector", "app.kubernetes.io/name=%s");
    }
    return new Management(
        enabled, method != Method.NONE, ConfigFactory.parseMap(settings, MANAGEMENT));
  }

  private static Method method(String name) {
    for (Method method : Method.values()) {
      if (method.name().equalsIgnoreCase(name)) {
        return method;
      }
    }
    throw new ConfigException.BadValue(
        DISCOVERY + ".method", "none, dns or kubernetes, not '" + name + "'");
  }

  /** What Akka must be told, to be put before any other configuration of the actor system. */
  public Config akka() {
    return akka;
  }

  /** Whether the node can find others by itself. */
  public boolean joins() {
    return bootstrap;
  }

  /**
   * Opens the port; does nothing where it is off. The port closes with the actor system.
   *
   * @param join whether to join those that are found, where {@link #joins()}
   * @return done when the port is open; fails where it cannot be
   */
  public CompletionStage<?> start(ActorSystem<?> system, boolean join) {
    if (!enabled) {
      return CompletableFuture.completedFuture(null);
    }
    CompletionStage<Uri> bound = AkkaManagement.get(system).start();
    return bound.thenAccept(
        _ -> {
          if (bootstrap && join) {
            ClusterBootstrap.get(system).start();
          }
        });
  }
}
