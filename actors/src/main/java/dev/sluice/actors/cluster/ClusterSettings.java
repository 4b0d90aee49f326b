package dev.sluice.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import dev.sluice.actors.management.Management;
import dev.sluice.actors.security.SecurityConfig;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * How a process takes part in a cluster. Made from the configuration's {@code sluice}, whose keys
 * reference.conf documents.
 *
 * @param host that other members reach it by, and that its ports are bound to
 * @param port TCP, for messages; 0 takes a free one
 * @param dataPort UDP, for frames; 0 takes the number of {@code port}
 * @param join members to join, {@code host:port}; empty to form a cluster
 * @param roles what it does
 * @param minNodes nodes that the first pipeline waits for
 * @param startTimeout longest time until every stage is ready
 * @param leaveTimeout longest time that leaving in good order may take
 * @param security what protects its ports
 * @param management its HTTP port, and how it finds others
 * @param config all of the configuration
 */
public record ClusterSettings(
    String host,
    int port,
    int dataPort,
    List<String> join,
    Set<Role> roles,
    int minNodes,
    Duration startTimeout,
    Duration leaveTimeout,
    SecurityConfig security,
    Management management,
    Config config) {

  /**
   * Reads and checks the keys.
   *
   * @param layers what the user says; what they do not say is as sluice-cluster.conf and
   *     reference.conf have it
   * @throws IllegalArgumentException naming the key, what it is and what is allowed
   */
  public static ClusterSettings of(Config layers) {
    try {
      Config config =
          layers
              .withFallback(ConfigFactory.parseResources("sluice-cluster.conf"))
              .withFallback(ConfigFactory.defaultReferenceUnresolved())
              .resolve();
      Config node = config.getConfig("sluice.node");
      Config cluster = config.getConfig("sluice.cluster");
      SecurityConfig security = SecurityConfig.of(config);
      return new ClusterSettings(
          node.getString("host"),
          port(node, "port"),
          port(node, "data-port"),
          list(cluster, "join"),
          roles(list(node, "roles")),
          cluster.getInt("min-nodes"),
          cluster.getDuration("start-timeout"),
          cluster.getDuration("leave-timeout"),
          security,
          Management.of(config, security),
          config);
    } catch (ConfigException e) {
      throw new IllegalArgumentException("the configuration: " + e.getMessage(), e);
    }
  }

  public ClusterSettings {
    join = List.copyOf(join);
    roles = Set.copyOf(roles);
    if (minNodes < 1) {
      throw new IllegalArgumentException("sluice.cluster.min-nodes " + minNodes + ": at least 1");
    }
    join.forEach(ClusterSettings::checkAddress);
    security.checkBind("sluice.node.host", host);
  }

  /** A list, or a text with commas between its elements. */
  private static List<String> list(Config config, String key) {
    return switch (config.getValue(key).valueType()) {
      case LIST -> config.getStringList(key);
      default ->
          Arrays.stream(config.getString(key).split(","))
              .map(String::strip)
              .filter(s -> !s.isEmpty())
              .toList();
    };
  }

  private static int port(Config config, String key) {
    int port = config.getInt(key);
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("sluice.node." + key + " " + port + ": from 0 to 65535");
    }
    return port;
  }

  private static Set<Role> roles(List<String> names) {
    Set<Role> roles = EnumSet.noneOf(Role.class);
    for (String name : names) {
      try {
        roles.add(Role.valueOf(name.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "sluice.node.roles has '" + name + "': of shard, gateway and coordinator", e);
      }
    }
    return roles;
  }

  /** {@code host:port}, an IPv6 address in brackets. */
  private static void checkAddress(String address) {
    if (!address.matches("(\\[[0-9a-fA-F:.]+]|[^\\[\\]:@/\\s]+):[0-9]{1,5}")) {
      throw new IllegalArgumentException(
          "to join '" + address + "': a member's address is HOST:PORT");
    }
  }
}
