package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KvReplica;
import dev.sluice.actors.kept.RowLog;
import dev.sluice.actors.weights.FetchProgress;
import dev.sluice.model.cache.KvUsage;
import dev.sluice.model.shard.LayerRange;
import dev.sluice.model.shard.ModelShard;
import dev.sluice.model.shard.ShardOptions;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One stage's control: loads its layers, starts and ends its {@link ShardRunner}, reports. Loading
 * and ending take time, so it runs on a dispatcher for blocking work. No tensor comes near it.
 */
final class ShardActor extends AbstractBehavior<ShardActor.Command> {
  /** What it is told. */
  sealed interface Command {}

  /**
   * Work for an epoch, instead of that for the one before. Layers that are loaded already stay
   * loaded, and so does what they hold. Answered by {@link Ready} or {@link LoadFailed}; later
   * {@link Lost} may follow.
   */
  record Assign(ShardAssignment assignment, ShardResources resources, ActorRef<Report> replyTo)
      implements Command {}

  /** Ends the runner, frees the shard and stops; watching tells when. */
  record Stop() implements Command {}

  private record Polls(int epoch, List<HeldSlot> held, long restored) implements Command {}

  private record ShardThrew(Throwable cause) implements Command {}

  private record Broken(int epoch, String reason) implements Command {}

  private record Fetched(Weights weights, @Nullable Throwable failure) implements Command {}

  private record FetchedSome(Weights weights, FetchProgress progress) implements Command {}

  /** What it tells. */
  sealed interface Report {
    int stage();

    int epoch();
  }

  /** The layers' weights come from other nodes, and are so far. */
  record Fetching(int stage, int epoch, FetchProgress progress) implements Report {}

  /**
   * The layers are loaded and the runner polls; slots that are not empty are named, and told is how
   * many positions of them came back from a copy.
   */
  record Ready(int stage, int epoch, KvUsage kv, List<HeldSlot> held, long restored)
      implements Report {}

  /** The layers could not be loaded, or the links not opened. */
  record LoadFailed(int stage, int epoch, Throwable cause) implements Report {}

  /** The runner cannot go on in this epoch. */
  record Lost(int stage, int epoch, String reason) implements Report {}

  /** Weights on their way here; for the assignment that wants them, which may be a later one. */
  private static final class Weights {
    private final String model;
    private final LayerRange range;
    private @Nullable CompletableFuture<Void> coming;

    Weights(String model, LayerRange range) {
      this.model = model;
      this.range = range;
    }

    boolean areFor(ShardAssignment assignment) {
      return model.equals(assignment.model()) && range.equals(assignment.options().range());
    }

    void cancel() {
      if (coming != null) {
        boolean _ = coming.cancel(false);
      }
    }
  }

  private ShardResources resources;
  private @Nullable Weights weights;
  private @Nullable Assign waiting;
  private String model = "";
  private @Nullable StageSlots slots;
  private @Nullable ShardOptions options;
  private @Nullable RunningShard running;

  /** Whether the shard has got back all that was to be had since it was loaded. */
  private boolean whole;

  /** What is kept of the stage before, and its layers. */
  private @Nullable KvReplica copy;

  private @Nullable LayerRange copied;
  private @Nullable ActorRef<Report> coordinator;
  private int stage = -1;
  private int epoch = -1;
  private long errors;

  static Behavior<Command> create(ShardResources resources) {
    return Behaviors.setup(context -> new ShardActor(context, resources));
  }

  private ShardActor(ActorContext<Command> context, ShardResources resources) {
    super(context);
    this.resources = resources;
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Assign.class, this::onAssign)
        .onMessage(Polls.class, this::onPolls)
        .onMessage(Fetched.class, this::onFetched)
        .onMessage(FetchedSome.class, this::onFetchedSome)
        .onMessage(ShardThrew.class, this::onShardThrew)
        .onMessage(Broken.class, this::onBroken)
        .onMessage(Stop.class, _ -> Behaviors.stopped())
        .onSignal(PostStop.class, _ -> onPostStop())
        .build();
  }

  private Behavior<Command> onAssign(Assign assign) {
    ShardAssignment assignment = assign.assignment();
    StageSlots has = slots;
    if (has != null && assign.resources().monitor() != resources.monitor()) {
      resources.monitor().shard(null);
      assign.resources().monitor().shard(has.shard());
    }
    resources = assign.resources();
    coordinator = assign.replyTo();
    stage = assignment.stage();
    epoch = assignment.epoch();
    waiting = assign;
    try {
      endRunner();
      if (!hasLoaded(assignment)) {
        closeShard();
        if (!fetch(assignment)) {
          return this;
        }
      }
    } catch (RuntimeException | Error e) {
      return failed(assign, e);
    }
    return start(assign);
  }

  /**
   * Has the weights brought here, unless they are on their way already.
   *
   * @return whether they are here
   */
  private boolean fetch(ShardAssignment assignment) {
    Weights current = weights;
    if (current != null && current.areFor(assignment)) {
      return false;
    }
    if (current != null) {
      current.cancel();
      weights = null;
    }
    LayerRange range = assignment.options().range();
    Weights wanted = new Weights(assignment.model(), range);
    ActorRef<Command> self = getContext().getSelf();
    CompletableFuture<Void> coming =
        resources
            .loader()
            .bring(
                assignment.model(),
                range,
                progress -> self.tell(new FetchedSome(wanted, progress)));
    if (coming.isDone() && !coming.isCompletedExceptionally()) {
      return true;
    }
    wanted.coming = coming;
    weights = wanted;
    getContext().pipeToSelf(coming, (_, failure) -> new Fetched(wanted, failure));
    return false;
  }

  private Behavior<Command> onFetchedSome(FetchedSome some) {
    Assign assign = waiting;
    if (some.weights() == weights && assign != null) {
      assign.replyTo().tell(new Fetching(stage, epoch, some.progress()));
    }
    return this;
  }

  private Behavior<Command> onFetched(Fetched fetched) {
    Assign assign = waiting;
    if (fetched.weights() != weights || assign == null) {
      return this;
    }
    weights = null;
    Throwable failure = fetched.failure();
    return failure == null ? start(assign) : failed(assign, failure);
  }

  /** Loads the layers, unless they are, and starts the runner. */
  private Behavior<Command> start(Assign assign) {
    ShardAssignment assignment = assign.assignment();
    try {
      StageSlots loaded = load(assignment);
      running =
          RunningShard.start(
              assignment,
              resources,
              loaded,
              copy(assignment, loaded.shard()),
              !whole,
              getContext().getSystem(),
              listener(epoch),
              samplingEnd(epoch));
    } catch (RuntimeException | Error e) {
      return failed(assign, e);
    }
    return this;
  }

  private Behavior<Command> onPolls(Polls polls) {
    ActorRef<Report> listener = coordinator;
    StageSlots current = slots;
    if (polls.epoch() == epoch && running != null && current != null && listener != null) {
      whole = true;
      KvUsage kv = current.shard().kvUsage();
      listener.tell(new Ready(stage, epoch, kv, polls.held(), polls.restored()));
    }
    return this;
  }

  private Behavior<Command> failed(Assign assign, Throwable e) {
    getContext().getLog().debug("{} cannot start", resources.monitor().name(), e);
    assign.replyTo().tell(new LoadFailed(stage, epoch, e));
    return this;
  }

  private boolean hasLoaded(ShardAssignment assignment) {
    ShardOptions had = options;
    return slots != null
        && had != null
        && serves(had, assignment.options())
        && model.equals(assignment.model());
  }

  private StageSlots load(ShardAssignment assignment) {
    StageSlots current = slots;
    if (current != null) {
      return current;
    }
    whole = false;
    ShardOptions wanted = assignment.options();
    ModelShard shard = resources.loader().load(assignment.model(), wanted);
    StageSlots loaded = new StageSlots(shard, log(assignment), wanted.maxSequences());
    slots = loaded;
    options = wanted;
    model = assignment.model();
    resources.monitor().shard(shard);
    return loaded;
  }

  /** All but the KV cache's size must be as wanted: the head reckons with what there is. */
  private static boolean serves(ShardOptions had, ShardOptions wanted) {
    ShardOptions sameSize =
        new ShardOptions(
            wanted.range(),
            wanted.kvType(),
            had.kvTokens(),
            wanted.maxSequences(),
            wanted.maxRows(),
            wanted.maxLogitRows(),
            wanted.pageTokens(),
            wanted.contextTokens(),
            wanted.adapters());
    return sameSize.equals(had);
  }

  private @Nullable RowLog log(ShardAssignment assignment) {
    return assignment.last() || resources.log().off()
        ? null
        : RowLog.ofActivations(
            assignment.options().maxSequences(),
            resources.shape().embeddingLength(),
            resources.log());
  }

  /**
   * What this stage keeps of the one before it, as long as that has the same layers. It may take as
   * much memory as this stage's own keys and values.
   */
  private @Nullable KvReplica copy(ShardAssignment assignment, ModelShard shard) {
    ReplicaLinks links = assignment.replica();
    LayerRange wanted = links == null || shard.kvRowBytes() == 0 ? null : links.kept();
    if (!Objects.equals(wanted, copied)) {
      closeCopy();
    }
    if (wanted != null && copy == null) {
      ShardOptions own = assignment.options();
      long rowBytes = shard.kvRowBytes() / own.range().size() * wanted.size();
      KvUsage kv = shard.kvUsage();
      copy = new KvReplica(own.maxSequences(), rowBytes, kv.pageTokens(), kv.totalBytes());
      copied = wanted;
    }
    return copy;
  }

  private void closeCopy() {
    KvReplica current = copy;
    copy = null;
    copied = null;
    if (current != null) {
      current.close();
    }
  }

  /** Of errors that come again and again only the first, second, fourth and so on are logged. */
  private Behavior<Command> onShardThrew(ShardThrew threw) {
    errors++;
    if (Long.bitCount(errors) == 1) {
      getContext()
          .getLog()
          .warn(
              "{} threw, {} times so far: {}",
              resources.monitor().name(),
              errors,
              StageMonitor.describe(threw.cause()));
      getContext().getLog().debug("{} threw", resources.monitor().name(), threw.cause());
    }
    return this;
  }

  private Behavior<Command> onBroken(Broken broken) {
    ActorRef<Report> listener = coordinator;
    if (broken.epoch() == epoch && running != null && listener != null) {
      listener.tell(new Lost(stage, epoch, broken.reason()));
    }
    return this;
  }

  private Behavior<Command> onPostStop() {
    if (weights != null) {
      weights.cancel();
    }
    try {
      endRunner();
      closeShard();
    } catch (IllegalStateException e) {
      // Freeing what a thread still uses would crash the process; so it stays until that ends.
      getContext().getLog().error("{} is left as it is", resources.monitor().name(), e);
    }
    return this;
  }

  private void endRunner() {
    RunningShard current = running;
    if (current != null) {
      current.close();
      running = null;
    }
  }

  private void closeShard() {
    StageSlots current = slots;
    slots = null;
    options = null;
    closeCopy();
    if (current != null) {
      resources.monitor().shard(null);
      current.close();
      current.shard().close();
    }
  }

  private ShardRunner.Listener listener(int ofEpoch) {
    ActorRef<Command> self = getContext().getSelf();
    return new ShardRunner.Listener() {
      @Override
      public void onReady(List<HeldSlot> held, long restored) {
        self.tell(new Polls(ofEpoch, held, restored));
      }

      @Override
      public void onShardError(Throwable cause) {
        self.tell(new ShardThrew(cause));
      }

      @Override
      public void onBroken(String reason) {
        self.tell(new Broken(ofEpoch, reason));
      }
    };
  }

  private RunningShard.SamplingEnd samplingEnd(int ofEpoch) {
    ActorRef<Command> self = getContext().getSelf();
    String name = resources.monitor().name();
    return failure ->
        self.tell(
            new Broken(
                ofEpoch,
                name
                    + ": the sampling stream has ended"
                    + (failure == null ? "" : ": " + StageMonitor.describe(failure))));
  }
}
