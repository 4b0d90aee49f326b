package dev.sluice.actors.weights;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A node's way to weights that other nodes have, and theirs to what this one has. One to an actor
 * system; for any thread. It ends with the actor that started it.
 *
 * <p>Nodes find each other by the receptionist. Each serves what it {@link #offer offers} and what
 * is in its store; what it fetches goes into the store, checked chunk by chunk, and is there for
 * the next time and for other nodes.
 */
public final class WeightTransfer {
  private final ActorRef<Command> actor;

  private WeightTransfer(ActorRef<Command> actor) {
    this.actor = actor;
  }

  private sealed interface Command {}

  private record Serve(WeightServer.Command command) implements Command {}

  private record Start(WeightFetch.Order order) implements Command {}

  /**
   * Starts it; {@code parent}, which calls this, has a child named {@code weights} then.
   *
   * @param serves whether other nodes may fetch from here
   */
  public static WeightTransfer start(
      ActorContext<?> parent, ModelStore store, TransferLimits limits, boolean serves) {
    return start(parent, store, TransferSettings.of(limits), serves);
  }

  static WeightTransfer start(
      ActorContext<?> parent, ModelStore store, TransferSettings settings, boolean serves) {
    return new WeightTransfer(parent.spawn(guardian(store, settings, serves), "weights"));
  }

  private static Behavior<Command> guardian(
      ModelStore store, TransferSettings settings, boolean serves) {
    return Behaviors.setup(
        context -> {
          ByteBudget budget = new ByteBudget(settings.bytesPerSecond(), System::nanoTime);
          @Nullable ActorRef<WeightServer.Command> server =
              serves
                  ? context.spawn(
                      WeightServer.create(store), "server", DispatcherSelector.blocking())
                  : null;
          return Behaviors.receiveMessage(
              command -> {
                switch (command) {
                  case Serve(WeightServer.Command forServer) -> {
                    if (server != null) {
                      server.tell(forServer);
                    }
                  }
                  case Start(WeightFetch.Order order) ->
                      fetch(context, order, WeightFetch.create(order, store, settings, budget));
                }
                return Behaviors.same();
              });
        });
  }

  private static void fetch(
      ActorContext<Command> context,
      WeightFetch.Order order,
      Behavior<WeightFetch.Command> behavior) {
    if (order.file().isDone()) {
      return; // cancelled before it began
    }
    ActorRef<WeightFetch.Command> fetch =
        context.spawnAnonymous(behavior, DispatcherSelector.blocking());
    var _ =
        order
            .file()
            .whenComplete(
                (_, _) -> {
                  if (order.file().isCancelled()) {
                    fetch.tell(WeightFetch.Cancel.NOW);
                  }
                });
  }

  /**
   * Serves a model that is open here, such as the file that this node was started with.
   *
   * @param file without holes; open until {@link #withdraw}
   */
  public void offer(GgufFile file, Manifest manifest) {
    actor.tell(new Serve(new WeightServer.Offer(file, manifest)));
  }

  /** Serves a model no longer, which may then be closed. */
  public void withdraw(ContentId id) {
    actor.tell(new Serve(new WeightServer.Withdraw(id)));
  }

  /**
   * Brings a portion of a model here: at once where the store has it, else from other nodes that
   * have it now or come while it waits. It is retried elsewhere when a source dies, does not
   * answer, or sends wrong bytes, which strikes it off. What came stays in the store whatever
   * happens, so a later fetch goes on from there.
   *
   * @param progress told after each chunk, on a thread of the fetch
   * @return the model, open, which the caller closes; tensors beyond the portion throw when their
   *     data is asked for. It fails with {@link WeightsException} if for {@link
   *     TransferLimits#patience} no more came, if the store has no room, or the model is no valid
   *     one
   */
  public Fetch fetch(ContentId id, Portion portion, Consumer<FetchProgress> progress) {
    CompletableFuture<GgufFile> file = new CompletableFuture<>();
    actor.tell(new Start(new WeightFetch.Order(id, portion, progress, file)));
    return new Fetch(file);
  }

  /** A fetch under way. */
  public static final class Fetch {
    private final CompletableFuture<GgufFile> file;

    private Fetch(CompletableFuture<GgufFile> file) {
      this.file = file;
    }

    /** The model when it is there. Completed on a thread of the fetch. */
    public CompletionStage<GgufFile> file() {
      return file.minimalCompletionStage();
    }

    /** Ends it, unless it has ended. A model that comes all the same is closed. */
    public void cancel() {
      boolean _ = file.cancel(false);
    }
  }
}
