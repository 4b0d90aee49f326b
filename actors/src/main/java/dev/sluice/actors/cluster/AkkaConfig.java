package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What Akka is told, made of the settings. */
final class AkkaConfig {
  /** The name of every cluster's actor systems. */
  static final String SYSTEM = "sluice";

  private static final String PAUSE = "akka.cluster.failure-detector.acceptable-heartbeat-pause";

  /** Whoever only brings requests in is as likely as not to be starting, and late by itself. */
  private static final Duration CLIENTS_PATIENCE = Duration.ofSeconds(10);

  private AkkaConfig() {}

  static Config of(ClusterSettings settings, int port) {
    Map<String, Object> own = new HashMap<>();
    own.put("akka.remote.artery.canonical.hostname", settings.host());
    own.put("akka.remote.artery.canonical.port", port);
    own.put("akka.cluster.roles", settings.roles().stream().map(Role::label).sorted().toList());
    Duration patience = settings.config().getDuration("sluice.cluster.patience");
    boolean client = settings.roles().equals(Set.of(Role.GATEWAY));
    // What one member says of another, all believe: nodes that host layers watch each other.
    own.put(
        PAUSE, client && patience.compareTo(CLIENTS_PATIENCE) < 0 ? CLIENTS_PATIENCE : patience);
    return ConfigFactory.parseMap(own, "sluice.node")
        .withFallback(settings.security().remoting())
        .withFallback(settings.management().akka())
        .withFallback(settings.config());
  }
}
