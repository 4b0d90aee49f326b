package dev.sluice.actors.weights;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.receptionist.Receptionist;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.Portion;
import dev.sluice.model.store.StoreException;
import dev.sluice.model.store.StoredModel;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Fetches one portion of one model: {@link ChunkFetch} decides, this actor finds sources by the
 * receptionist, carries messages, and puts chunks into the store. Hashing and writing block, so it
 * runs on the dispatcher for what blocks. It ends when the portion is there, or cannot come.
 */
final class WeightFetch extends AbstractBehavior<WeightFetch.Command> {
  private static final Duration TICK = Duration.ofMillis(250);

  /** What it is told. */
  sealed interface Command {}

  /** Nobody wants it any longer. */
  enum Cancel implements Command {
    NOW
  }

  private enum Tick implements Command {
    TICK
  }

  private record Sources(Set<ActorRef<WeightRequest>> there) implements Command {}

  private record SourceGone(ActorRef<WeightRequest> source) implements Command {}

  private record Answered(WeightAnswer answer) implements Command {}

  /**
   * What is wanted.
   *
   * @param file completed with the model, open, or with what went wrong
   */
  record Order(
      ContentId id,
      Portion portion,
      Consumer<FetchProgress> progress,
      CompletableFuture<GgufFile> file) {}

  private final Order order;
  private final ModelStore store;
  private final ActorRef<WeightAnswer> answers;
  private final ChunkFetch<ActorRef<WeightRequest>> fetch;
  private final Set<ActorRef<WeightRequest>> known = new HashSet<>();
  private @Nullable StoredModel model;
  private long total;
  private long done;

  private WeightFetch(
      ActorContext<Command> context,
      Order order,
      ModelStore store,
      TransferSettings settings,
      ByteBudget budget) {
    super(context);
    this.order = order;
    this.store = store;
    this.answers = context.messageAdapter(WeightAnswer.class, Answered::new);
    this.fetch = new ChunkFetch<>(settings, budget, System::nanoTime, new Wire());
  }

  static Behavior<Command> create(
      Order order, ModelStore store, TransferSettings settings, ByteBudget budget) {
    return Behaviors.withTimers(
        timers ->
            Behaviors.setup(
                context -> {
                  timers.startTimerWithFixedDelay(Tick.TICK, TICK);
                  return new WeightFetch(context, order, store, settings, budget).start();
                }));
  }

  private Behavior<Command> start() {
    return guarded(
        () -> {
          model = store.find(order.id()).orElse(null);
          if (model == null) {
            fetch.wantManifest();
          }
          Behavior<Command> next = advance();
          if (next == this) {
            getContext()
                .getSystem()
                .receptionist()
                .tell(
                    Receptionist.subscribe(
                        WeightServer.KEY,
                        getContext()
                            .messageAdapter(
                                Receptionist.Listing.class,
                                listing ->
                                    new Sources(listing.getServiceInstances(WeightServer.KEY)))));
          }
          return next;
        });
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Answered.class, message -> guarded(() -> onAnswered(message.answer())))
        .onMessage(Sources.class, message -> guarded(() -> onSources(message)))
        .onMessage(SourceGone.class, message -> guarded(() -> onSourceGone(message.source())))
        .onMessage(Tick.class, _ -> guarded(this::onTick))
        .onMessage(Cancel.class, _ -> Behaviors.stopped())
        .onSignal(PostStop.class, _ -> onPostStop())
        .build();
  }

  private interface Step {
    Behavior<Command> run();
  }

  /** What a store or a model file refuses ends the fetch with its message. */
  private Behavior<Command> guarded(Step step) {
    try {
      return step.run();
    } catch (StoreException | ModelFileException | IllegalArgumentException e) {
      return failed(new WeightsException(about() + e.getMessage(), e));
    }
  }

  private String about() {
    return "model " + order.id().brief() + ", " + order.portion() + ": ";
  }

  private Behavior<Command> failed(Throwable failure) {
    order.file().completeExceptionally(failure);
    return Behaviors.stopped();
  }

  private Behavior<Command> onSources(Sources sources) {
    for (ActorRef<WeightRequest> source : sources.there()) {
      if (known.add(source)) {
        getContext().watchWith(source, new SourceGone(source));
        fetch.sourceFound(source);
      }
    }
    for (ActorRef<WeightRequest> source : Set.copyOf(known)) {
      if (!sources.there().contains(source)) {
        getContext().unwatch(source);
        known.remove(source);
        fetch.sourceLost(source);
      }
    }
    return advance();
  }

  private Behavior<Command> onSourceGone(ActorRef<WeightRequest> source) {
    known.remove(source);
    fetch.sourceLost(source);
    return advance();
  }

  private Behavior<Command> onAnswered(WeightAnswer answer) {
    switch (answer) {
      case WeightAnswer.Inventory inventory -> onInventory(inventory);
      case WeightAnswer.Piece piece -> fetch.piece(piece.request(), piece.bytes());
      case WeightAnswer.Refused refused -> fetch.refused(refused.request(), refused.reason());
    }
    return advance();
  }

  private void onInventory(WeightAnswer.Inventory inventory) {
    int length = inventory.manifestBytes();
    if (inventory.id().equals(order.id())
        && known.contains(inventory.source())
        && length >= 0
        && length <= Manifest.MAX_ENCODED_BYTES) {
      fetch.inventory(inventory.source(), length, BitSet.valueOf(inventory.chunks()));
    }
  }

  private Behavior<Command> onTick() {
    String hopeless = fetch.tick();
    return hopeless == null
        ? advance()
        : failed(
            new WeightsException(
                about()
                    + hopeless
                    + (total > 0 ? "; %d of %d bytes are here".formatted(done, total) : "")));
  }

  /** When all that was wanted is there, asks the model what more it takes. */
  private Behavior<Command> advance() {
    StoredModel stored = model;
    if (stored == null || !fetch.done()) {
      return this;
    }
    StoredModel.Needs needs = stored.needs(order.portion());
    BitSet missing = needs.chunks();
    total = stored.bytes(missing);
    missing.andNot(stored.present());
    done = total - stored.bytes(missing);
    report();
    if (!missing.isEmpty()) {
      stored.makeRoom(stored.bytes(missing));
      fetch.want(missing);
      return this;
    }
    if (!needs.known()) {
      throw new IllegalStateException("a header that is there was not read");
    }
    stored.flush();
    GgufFile file = stored.open(order.portion());
    if (!order.file().complete(file)) {
      file.close(); // nobody waits for it any longer
    }
    return Behaviors.stopped();
  }

  private void report() {
    order.progress().accept(new FetchProgress(done, total, fetch.givingSources()));
  }

  private Behavior<Command> onPostStop() {
    order.file().completeExceptionally(new WeightsException(about() + "ended before it was there"));
    if (model != null) {
      model.close();
    }
    return this;
  }

  /** What {@link ChunkFetch} asks for, as messages and files. */
  private final class Wire implements ChunkFetch.Output<ActorRef<WeightRequest>> {
    @Override
    public void look(ActorRef<WeightRequest> source) {
      source.tell(new WeightRequest.Look(order.id(), answers));
    }

    @Override
    public void ask(
        ActorRef<WeightRequest> source, long request, int chunk, int offset, int length) {
      source.tell(new WeightRequest.AskPiece(order.id(), request, chunk, offset, length, answers));
    }

    @Override
    public int length(int chunk) {
      return stored().manifest().length(chunk);
    }

    @Override
    public boolean take(int chunk, ByteBuffer bytes) {
      if (chunk == ChunkFetch.MANIFEST) {
        Manifest manifest;
        try {
          byte[] encoded = new byte[bytes.remaining()];
          bytes.get(encoded);
          manifest = Manifest.decode(encoded, order.id());
        } catch (StoreException e) {
          return false; // not the one asked for, whoever sent it
        }
        model = store.create(manifest);
        return true;
      }
      boolean right = stored().write(chunk, bytes);
      if (right) {
        done += stored().manifest().length(chunk);
        report();
      }
      return right;
    }

    private StoredModel stored() {
      if (model == null) {
        throw new IllegalStateException("no chunk is wanted before the manifest is there");
      }
      return model;
    }
  }
}
