package dev.sluice.stages.flow;

import akka.actor.ActorSystem;
import com.typesafe.config.ConfigFactory;

/**
 * Actor systems for tests: their probes wait long enough for a machine that is busy with others.
 */
public final class TestSystems {
  private TestSystems() {}

  public static ActorSystem create(String name) {
    return ActorSystem.create(
        name,
        ConfigFactory.parseString("akka.test.single-expect-default = 30s")
            .withFallback(ConfigFactory.load()));
  }

  public static void stop(ActorSystem system) {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
