package dev.sluice.actors;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;

/** Makes actor systems that are in no cluster. */
public final class Systems {
  /**
   * No cluster; quiet; few threads, since the computing ones need the cores; no shutdown hook of
   * Akka's own, because whoever starts a pipeline closes it and two at once would race.
   */
  private static final String ALONE =
      """
      akka {
        loglevel = WARNING
        stdout-loglevel = OFF
        log-dead-letters = off
        log-dead-letters-during-shutdown = off
        jvm-shutdown-hooks = off
        daemonic = off
        coordinated-shutdown.run-by-jvm-shutdown-hook = off
        coordinated-shutdown.exit-jvm = off
        actor {
          provider = local
          allow-java-serialization = off
          default-dispatcher {
            fork-join-executor { parallelism-min = 2, parallelism-factor = 1.0, parallelism-max = 8 }
            shutdown-timeout = 50 ms
          }
          internal-dispatcher {
            fork-join-executor { parallelism-min = 1, parallelism-factor = 1.0, parallelism-max = 2 }
            shutdown-timeout = 50 ms
          }
          default-blocking-io-dispatcher.shutdown-timeout = 50 ms
        }
      }
      """;

  private Systems() {}

  static ActorSystem<NodeGuardian.Command> start() {
    return ActorSystem.create(NodeGuardian.create(), "sluice", config());
  }

  /** One for streams alone, which whoever starts it terminates. */
  public static ActorSystem<Void> forStreams() {
    return ActorSystem.create(Behaviors.empty(), "sluice-streams", config());
  }

  private static Config config() {
    return ConfigFactory.parseString(ALONE).withFallback(ConfigFactory.load());
  }
}
