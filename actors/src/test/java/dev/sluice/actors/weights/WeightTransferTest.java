package dev.sluice.actors.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.receptionist.Receptionist;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.MissingBytesException;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.model.store.StoredEntry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes' transfers in one actor system, and servers that are not what they should be. */
final class WeightTransferTest {
  private static final LayerRange MIDDLE = new LayerRange(1, 2);
  private static final TransferSettings IMPATIENT =
      new TransferSettings(
          WeightRequest.MAX_PIECE_BYTES,
          8,
          4,
          Duration.ofMillis(200),
          2,
          Duration.ofMillis(100),
          Duration.ofMillis(200),
          Duration.ofSeconds(2),
          0);

  @TempDir private Path folder;
  private final ActorTestKit kit = ActorTestKit.create();
  private GgufFile file;
  private Manifest manifest;

  @BeforeEach
  void open() {
    file = GgufFile.open(WideModel.write(folder));
    manifest = Manifest.of(file);
  }

  @AfterEach
  void close() {
    kit.shutdownTestKit();
    file.close();
  }

  @Test
  void shouldFetchTheLayersAskedForFromANodeThatHasTheFile() throws Exception {
    WeightTransfer has = node("a", TransferSettings.DEFAULT);
    has.offer(file, manifest);
    WeightTransfer wants = node("b", TransferSettings.DEFAULT);
    List<FetchProgress> progress = new ArrayList<>();
    try (GgufFile part = get(wants.fetch(manifest.id(), Portion.layers(MIDDLE), progress::add))) {
      assertThat(
              part.tensor("blk.1.ffn_up.weight")
                  .data()
                  .mismatch(file.tensor("blk.1.ffn_up.weight").data()))
          .isEqualTo(-1);
      assertThatThrownBy(() -> part.tensor("blk.3.ffn_down.weight").data())
          .isInstanceOf(MissingBytesException.class);
    }
    FetchProgress last = progress.getLast();
    assertThat(last.done()).isEqualTo(last.total()).isLessThan(manifest.bytes());
    assertThat(store("b").list())
        .extracting(StoredEntry::bytesPresent)
        .containsExactly(last.total());
  }

  @Test
  void shouldPassOnWhatItFetchedItself() throws Exception {
    WeightTransfer has = node("a", TransferSettings.DEFAULT);
    has.offer(file, manifest);
    WeightTransfer second = node("b", TransferSettings.DEFAULT);
    get(second.fetch(manifest.id(), Portion.layers(MIDDLE), _ -> {})).close();
    has.withdraw(manifest.id());
    WeightTransfer third = node("c", IMPATIENT);
    get(third.fetch(manifest.id(), Portion.layers(MIDDLE), _ -> {})).close();
    assertThatThrownBy(() -> get(third.fetch(manifest.id(), Portion.whole(), _ -> {})))
        .isInstanceOf(WeightsException.class)
        .hasMessageStartingWith(
            "model " + manifest.id().brief() + ", all of it: no more of it came")
        .hasMessageContaining("bytes are here");
    has.offer(file, manifest);
    get(third.fetch(manifest.id(), Portion.whole(), _ -> {})).close();
  }

  @Test
  void shouldGetThroughSourcesThatLieOrSayNothing() throws Exception {
    register(Behaviors.ignore());
    register(liar());
    register(dying());
    WeightTransfer has = node("a", TransferSettings.DEFAULT);
    has.offer(file, manifest);
    WeightTransfer wants = node("b", IMPATIENT);
    try (GgufFile whole = get(wants.fetch(manifest.id(), Portion.whole(), _ -> {}))) {
      assertThat(Manifest.of(whole).id()).isEqualTo(manifest.id());
    }
  }

  @Test
  void shouldSayThatItsStoreHasNoRoom() {
    WeightTransfer has = node("a", TransferSettings.DEFAULT);
    has.offer(file, manifest);
    ModelStore small = ModelStore.open(folder.resolve("small"), 3 << 20);
    WeightTransfer wants = start(small, "small", TransferSettings.DEFAULT);
    assertThatThrownBy(() -> get(wants.fetch(manifest.id(), Portion.whole(), _ -> {})))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("no room for");
    assertThat(small.list()).allSatisfy(entry -> assertThat(entry.bytesPresent()).isZero());
  }

  @Test
  void shouldEndWhenCancelled() {
    WeightTransfer wants = node("b", TransferSettings.DEFAULT);
    WeightTransfer.Fetch fetch =
        wants.fetch(new ContentId("ab".repeat(32)), Portion.header(), _ -> {});
    fetch.cancel();
    assertThatThrownBy(() -> get(fetch)).isInstanceOf(CancellationException.class);
  }

  /** Has everything, and sends zeros. */
  private Behavior<WeightRequest> liar() {
    return Behaviors.setup(
        context ->
            Behaviors.receiveMessage(
                message -> {
                  answerFalsely(message, context.getSelf());
                  return Behaviors.same();
                }));
  }

  /** Has everything, and goes away when it is asked for it. */
  private Behavior<WeightRequest> dying() {
    return Behaviors.setup(
        context ->
            Behaviors.receiveMessage(
                message -> {
                  if (message instanceof WeightRequest.AskPiece) {
                    return Behaviors.stopped();
                  }
                  answerFalsely(message, context.getSelf());
                  return Behaviors.same();
                }));
  }

  private void answerFalsely(WeightRequest message, ActorRef<WeightRequest> self) {
    switch (message) {
      case WeightRequest.Look look ->
          look.replyTo()
              .tell(
                  new WeightAnswer.Inventory(
                      look.id(), self, manifest.encoded().length, new byte[] {-1, -1, -1, -1}));
      case WeightRequest.AskPiece ask ->
          ask.replyTo().tell(new WeightAnswer.Piece(ask.request(), new byte[ask.length()]));
    }
  }

  private void register(Behavior<WeightRequest> behavior) {
    ActorRef<WeightRequest> server = kit.spawn(behavior);
    kit.system().receptionist().tell(Receptionist.register(WeightServer.KEY, server));
  }

  private ModelStore store(String name) {
    return ModelStore.open(folder.resolve(name), 1L << 40);
  }

  private WeightTransfer node(String name, TransferSettings settings) {
    return start(store(name), name, settings);
  }

  private WeightTransfer start(ModelStore store, String name, TransferSettings settings) {
    CompletableFuture<WeightTransfer> transfer = new CompletableFuture<>();
    ActorRef<Void> _ =
        kit.spawn(
            Behaviors.<Void>setup(
                context -> {
                  transfer.complete(WeightTransfer.start(context, store, settings, true));
                  return Behaviors.empty();
                }),
            name);
    return transfer.join();
  }

  private static GgufFile get(WeightTransfer.Fetch fetch) throws Exception {
    try {
      return fetch.file().toCompletableFuture().get(60, TimeUnit.SECONDS);
    } catch (ExecutionException | CompletionException e) {
      throw e.getCause() instanceof RuntimeException inner ? inner : e;
    }
  }
}
