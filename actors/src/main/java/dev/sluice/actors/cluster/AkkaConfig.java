package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.Map;

/** What Akka is told, made of the settings. */
final class AkkaConfig {
  /** The name of every cluster's actor systems. */
  static final String SYSTEM = "sluice";

  private AkkaConfig() {}

  static Config of(ClusterSettings settings, int port) {
    Map<String, Object> own =
        Map.of(
            "akka.remote.artery.canonical.hostname",
            settings.host(),
            "akka.remote.artery.canonical.port",
            port,
            "akka.cluster.roles",
            settings.roles().stream().map(Role::label).sorted().toList());
    return ConfigFactory.parseMap(own, "sluice.node")
        .withFallback(settings.security().remoting())
        .withFallback(settings.management().akka())
        .withFallback(settings.config());
  }
}
