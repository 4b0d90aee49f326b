package dev.sluice.actors.weights;

import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.receptionist.Receptionist;
import akka.actor.typed.receptionist.ServiceKey;
import dev.sluice.model.gguf.GgufFile;
import dev.sluice.model.gguf.ModelFileException;
import dev.sluice.model.store.ContentId;
import dev.sluice.model.store.Manifest;
import dev.sluice.model.store.ModelStore;
import dev.sluice.model.store.StoreException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads pieces of models for other nodes: from files that this node runs, and from its store. It
 * answers what it is asked and remembers nobody; how much is asked at a time is limited by those
 * who ask. It reads from the disk, so it runs on the dispatcher for what blocks.
 */
final class WeightServer extends AbstractBehavior<WeightServer.Command> {
  static final ServiceKey<WeightRequest> KEY =
      ServiceKey.create(WeightRequest.class, "sluice-weights");

  private static final int MAX_OPEN = 32;
  private static final Duration IDLE = Duration.ofSeconds(60);

  /** What it is told. */
  interface Command {}

  /** Serves a model of this node's, too. */
  record Offer(GgufFile file, Manifest manifest) implements Command {}

  /** Serves it no longer. */
  record Withdraw(ContentId id) implements Command {}

  private enum CloseIdle implements Command {
    TICK
  }

  private final ModelStore store;
  private final Map<ContentId, Holding> offered = new HashMap<>();

  /** By last use, and those marked that were used since the last tick. */
  private final Map<ContentId, Opened> opened = new LinkedHashMap<>(16, 0.75f, true);

  private static final class Opened {
    private final Holding holding;
    private boolean used = true;

    Opened(Holding holding) {
      this.holding = holding;
    }
  }

  private WeightServer(ActorContext<Command> context, ModelStore store) {
    super(context);
    this.store = store;
  }

  static Behavior<Command> create(ModelStore store) {
    return Behaviors.withTimers(
        timers ->
            Behaviors.setup(
                context -> {
                  timers.startTimerWithFixedDelay(CloseIdle.TICK, IDLE);
                  context
                      .getSystem()
                      .receptionist()
                      .tell(Receptionist.register(KEY, context.getSelf().<WeightRequest>narrow()));
                  return new WeightServer(context, store);
                }));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(WeightRequest.Look.class, this::onLook)
        .onMessage(WeightRequest.AskPiece.class, this::onAskPiece)
        .onMessage(Offer.class, this::onOffer)
        .onMessage(Withdraw.class, this::onWithdraw)
        .onMessage(CloseIdle.class, _ -> onCloseIdle())
        .onSignal(PostStop.class, _ -> onPostStop())
        .build();
  }

  private Behavior<Command> onOffer(Offer offer) {
    offered.put(offer.manifest().id(), new Holding.OfFile(offer.file(), offer.manifest()));
    return this;
  }

  private Behavior<Command> onWithdraw(Withdraw withdraw) {
    offered.remove(withdraw.id());
    return this;
  }

  private Behavior<Command> onLook(WeightRequest.Look look) {
    int manifestBytes = 0;
    byte[] chunks = {};
    try {
      Holding holding = find(look.id());
      if (holding != null) {
        manifestBytes = holding.manifest().encoded().length;
        chunks = holding.chunks().toByteArray();
      }
    } catch (StoreException e) {
      getContext().getLog().warn("{} cannot be served: {}", look.id().brief(), e.getMessage());
    }
    look.replyTo()
        .tell(
            new WeightAnswer.Inventory(
                look.id(), getContext().getSelf().narrow(), manifestBytes, chunks));
    return this;
  }

  private Behavior<Command> onAskPiece(WeightRequest.AskPiece ask) {
    WeightAnswer answer;
    try {
      byte[] bytes = read(ask);
      answer =
          bytes == null
              ? new WeightAnswer.Refused(ask.request(), WeightAnswer.Reason.NOT_HERE)
              : new WeightAnswer.Piece(ask.request(), bytes);
    } catch (StoreException | ModelFileException | IllegalStateException | InternalError e) {
      // InternalError is what the JVM throws when a mapped file was cut short.
      getContext().getLog().warn("{} cannot be served: {}", ask.id().brief(), e.getMessage());
      answer = new WeightAnswer.Refused(ask.request(), WeightAnswer.Reason.FAILED);
    }
    ask.replyTo().tell(answer);
    return this;
  }

  private byte @Nullable [] read(WeightRequest.AskPiece ask) {
    Holding holding = find(ask.id());
    if (holding == null || ask.length() < 1 || ask.length() > WeightRequest.MAX_PIECE_BYTES) {
      return null;
    }
    if (ask.chunk() == ChunkFetch.MANIFEST) {
      byte[] manifest = holding.manifest().encoded();
      return inside(ask, manifest.length)
          ? Arrays.copyOfRange(manifest, ask.offset(), ask.offset() + ask.length())
          : null;
    }
    if (ask.chunk() < 0
        || ask.chunk() >= holding.manifest().chunks()
        || !holding.chunks().get(ask.chunk())
        || !inside(ask, holding.manifest().length(ask.chunk()))) {
      return null;
    }
    byte[] bytes = new byte[ask.length()];
    holding.read(ask.chunk(), ask.offset(), ByteBuffer.wrap(bytes));
    return bytes;
  }

  private static boolean inside(WeightRequest.AskPiece ask, int length) {
    return ask.offset() >= 0 && ask.length() <= length - ask.offset();
  }

  private @Nullable Holding find(ContentId id) {
    Holding offer = offered.get(id);
    if (offer != null) {
      return offer;
    }
    Opened known = opened.get(id);
    if (known == null) {
      known = store.find(id).map(model -> new Opened(new Holding.OfStore(model))).orElse(null);
      if (known == null) {
        return null;
      }
      opened.put(id, known);
      if (opened.size() > MAX_OPEN) {
        Iterator<Opened> oldest = opened.values().iterator();
        oldest.next().holding.close();
        oldest.remove();
      }
    }
    known.used = true;
    return known.holding;
  }

  private Behavior<Command> onCloseIdle() {
    opened
        .values()
        .removeIf(
            model -> {
              boolean idle = !model.used;
              model.used = false;
              if (idle) {
                model.holding.close();
              }
              return idle;
            });
    return this;
  }

  private Behavior<Command> onPostStop() {
    opened.values().forEach(model -> model.holding.close());
    opened.clear();
    return this;
  }
}
