package dev.sluice.actors.weights;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two members of a cluster, each an actor system of its own, with messages over the network. */
final class WeightTransferClusterTest {
  @TempDir private Path folder;
  private final ActorTestKit first = member();
  private final ActorTestKit second = member();

  private static ActorTestKit member() {
    Config here =
        ConfigFactory.parseString(
            """
            akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
            akka.cluster.failure-detector.acceptable-heartbeat-pause = 30s
            """);
    return ActorTestKit.create(
        "sluice",
        here.withFallback(ConfigFactory.parseResources("sluice-cluster.conf"))
            .withFallback(ConfigFactory.load())
            .resolve());
  }

  @AfterEach
  void leave() {
    second.shutdownTestKit();
    first.shutdownTestKit();
  }

  @Test
  @Timeout(120)
  void shouldFetchFromAnotherMember() throws Exception {
    Cluster cluster = Cluster.get(first.system());
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    Cluster.get(second.system()).manager().tell(Join.create(cluster.selfMember().address()));
    try (GgufFile file = GgufFile.open(WideModel.write(folder))) {
      Manifest manifest = Manifest.of(file);
      start(first, "a").offer(file, manifest);
      WeightTransfer wants = start(second, "b");
      try (GgufFile part = get(wants, manifest, Portion.layers(new LayerRange(0, 2)))) {
        assertThat(
                part.tensor("blk.1.ffn_up.weight")
                    .data()
                    .mismatch(file.tensor("blk.1.ffn_up.weight").data()))
            .isEqualTo(-1);
      }
      try (GgufFile whole = get(wants, manifest, Portion.whole())) {
        assertThat(Manifest.of(whole).id()).isEqualTo(manifest.id());
      }
    }
  }

  private static GgufFile get(WeightTransfer wants, Manifest manifest, Portion portion)
      throws Exception {
    return wants
        .fetch(manifest.id(), portion, _ -> {})
        .file()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }

  private WeightTransfer start(ActorTestKit member, String name) {
    ModelStore store = ModelStore.open(folder.resolve(name), 1L << 40);
    CompletableFuture<WeightTransfer> transfer = new CompletableFuture<>();
    ActorRef<Void> _ =
        member.spawn(
            Behaviors.<Void>setup(
                context -> {
                  transfer.complete(
                      WeightTransfer.start(context, store, TransferSettings.DEFAULT, true));
                  return Behaviors.empty();
                }),
            name);
    return transfer.join();
  }
}
