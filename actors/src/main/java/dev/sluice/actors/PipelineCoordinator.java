package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.sluice.actors.kept.HeldSlot;
import dev.sluice.actors.kept.KeptPositions;
import dev.sluice.model.cache.KvUsage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Builds a pipeline and builds it again when a part of it is lost. Each building is an epoch with
 * links of its own: all stages get their assignment, and when all are ready the scheduler is
 * attached. When a stage, a link or the head's side is lost, the requests in the pipeline fail with
 * the reason, and after a pause the next epoch begins; those that wait are served by it. After a
 * number of epochs in a row that did not last, it gives up, and every request fails with the
 * reason.
 */
final class PipelineCoordinator extends AbstractBehavior<PipelineCoordinator.Command> {
  /** Epochs in a row that may fail. */
  static final int MAX_ATTEMPTS = 5;

  /** An epoch that lived so long counts as a success. */
  private static final Duration LASTING = Duration.ofSeconds(30);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(50);

  /** What it is told. */
  sealed interface Command {}

  /** Ends all stages and stops; watching tells when. */
  record Stop() implements Command {}

  private record FromShard(ShardActor.Report report) implements Command {}

  private record FromHead(SchedulerActor.HeadFailed failure) implements Command {}

  private record Detached() implements Command {}

  private record StartTimeout(int epoch) implements Command {}

  private record NextEpoch() implements Command {}

  /** How the first building went. */
  sealed interface Outcome {}

  /** Every stage is ready. */
  record Started(ActorRef<SchedulerActor.Command> scheduler) implements Outcome {}

  /** It could not be built. */
  record StartFailed(String reason, @Nullable Throwable cause) implements Outcome {}

  private enum State {
    BUILDING,
    RUNNING,
    /** The head closes its links, then a pause. */
    BETWEEN,
    GAVE_UP,
    STOPPING
  }

  private final PipelineBlueprint blueprint;
  private final TimerScheduler<Command> timers;
  private final ActorRef<Outcome> replyTo;
  private final AtomicInteger epochs;
  private final ActorRef<ShardActor.Report> reports;
  private final ActorRef<SchedulerActor.Command> scheduler;
  private final List<@Nullable ActorRef<ShardActor.Command>> shards = new ArrayList<>();
  private final Set<Integer> waitingFor = new HashSet<>();
  private final KvUsage[] caches;
  private final List<List<HeldSlot>> held = new ArrayList<>();
  private State state = State.BUILDING;
  private int epoch;
  private int attempts;
  private long runningSince;
  private boolean everRan;

  /**
   * A coordinator that begins to build at once.
   *
   * @param stats where the scheduler leaves snapshots
   * @param epochs where the number of the epoch is left
   * @param replyTo told how the first building went
   */
  static Behavior<Command> create(
      PipelineBlueprint blueprint,
      AtomicReference<PipelineStats.Scheduling> stats,
      AtomicInteger epochs,
      ActorRef<Outcome> replyTo) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new PipelineCoordinator(context, timers, blueprint, stats, epochs, replyTo)));
  }

  private PipelineCoordinator(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      PipelineBlueprint blueprint,
      AtomicReference<PipelineStats.Scheduling> stats,
      AtomicInteger epochs,
      ActorRef<Outcome> replyTo) {
    super(context);
    this.blueprint = blueprint;
    this.timers = timers;
    this.replyTo = replyTo;
    this.epochs = epochs;
    int stages = blueprint.stages();
    caches = new KvUsage[stages];
    reports = context.messageAdapter(ShardActor.Report.class, FromShard::new);
    SchedulerActor.Surroundings surroundings =
        new SchedulerActor.Surroundings(
            blueprint.transport(),
            blueprint::failureText,
            blueprint.options().stepTimeout(),
            context.messageAdapter(SchedulerActor.HeadFailed.class, FromHead::new),
            stats);
    scheduler =
        context.spawn(
            SchedulerActor.create(surroundings, blueprint.limits(List.of())), "scheduler");
    context.watch(scheduler);
    for (int i = 0; i < stages; i++) {
      shards.add(null);
      held.add(List.of());
    }
    build();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(FromShard.class, m -> onReport(m.report()))
        .onMessage(FromHead.class, m -> onHeadFailed(m.failure()))
        .onMessage(StartTimeout.class, this::onStartTimeout)
        .onMessage(Detached.class, _ -> onDetached())
        .onMessage(NextEpoch.class, _ -> onNextEpoch())
        .onMessage(Stop.class, _ -> onStop())
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private void build() {
    state = State.BUILDING;
    epoch++;
    epochs.set(epoch);
    for (int i = 0; i < shards.size(); i++) {
      ActorRef<ShardActor.Command> shard = shards.get(i);
      if (shard == null) {
        shard =
            getContext()
                .spawn(
                    ShardActor.create(blueprint.resources(i)),
                    "shard-" + i + "-" + epoch,
                    DispatcherSelector.blocking());
        getContext().watch(shard);
        shards.set(i, shard);
      }
      waitingFor.add(i);
      shard.tell(new ShardActor.Assign(blueprint.assignment(i, epoch), reports));
    }
    timers.startSingleTimer("start", new StartTimeout(epoch), blueprint.options().startTimeout());
  }

  private Behavior<Command> onReport(ShardActor.Report report) {
    if (report.epoch() != epoch) {
      return this;
    }
    switch (report) {
      case ShardActor.Ready ready -> {
        if (state == State.BUILDING) {
          caches[ready.stage()] = ready.kv();
          held.set(ready.stage(), ready.held());
          waitingFor.remove(ready.stage());
          if (waitingFor.isEmpty()) {
            run();
          }
        }
      }
      case ShardActor.LoadFailed failed ->
          lost(
              blueprint.monitors().get(failed.stage()).name()
                  + " could not be loaded: "
                  + StageMonitor.describe(failed.cause()),
              failed.cause());
      case ShardActor.Lost lost -> lost(lost.reason(), null);
    }
    return this;
  }

  private void run() {
    timers.cancel("start");
    state = State.RUNNING;
    runningSince = System.nanoTime();
    scheduler.tell(
        new SchedulerActor.Attach(
            epoch,
            blueprint.link(0, epoch),
            blueprint.link(blueprint.stages(), epoch),
            blueprint.limits(List.of(caches)),
            KeptPositions.of(held)));
    if (!everRan) {
      everRan = true;
      replyTo.tell(new Started(scheduler));
    }
  }

  private Behavior<Command> onHeadFailed(SchedulerActor.HeadFailed failure) {
    if (failure.epoch() == epoch) {
      lost(failure.reason(), null);
    }
    return this;
  }

  private Behavior<Command> onStartTimeout(StartTimeout timeout) {
    if (timeout.epoch() == epoch && state == State.BUILDING) {
      lost(
          "stages "
              + waitingFor
              + " were not ready within "
              + blueprint.options().startTimeout().toSeconds()
              + " s",
          null);
    }
    return this;
  }

  /** A part of the epoch is lost: what comes of it is ignored from now on. */
  private void lost(String reason, @Nullable Throwable cause) {
    if (state != State.BUILDING && state != State.RUNNING) {
      return;
    }
    timers.cancel("start");
    if (!everRan) {
      state = State.GAVE_UP;
      replyTo.tell(new StartFailed(reason, cause));
      return;
    }
    boolean lasted = state == State.RUNNING && System.nanoTime() - runningSince > LASTING.toNanos();
    attempts = lasted ? 1 : attempts + 1;
    if (attempts > MAX_ATTEMPTS) {
      state = State.GAVE_UP;
      String text =
          "the pipeline was lost " + MAX_ATTEMPTS + " times in a row, the last time: " + reason;
      getContext().getLog().error("{}", text);
      scheduler.tell(new SchedulerActor.GiveUp(text));
      return;
    }
    getContext().getLog().warn("epoch {} is lost: {}", epoch, reason);
    state = State.BETWEEN;
    ActorRef<SchedulerActor.Detached> detached =
        getContext().messageAdapter(SchedulerActor.Detached.class, _ -> new Detached());
    scheduler.tell(new SchedulerActor.Detach(reason, detached));
  }

  private Behavior<Command> onDetached() {
    if (state == State.BETWEEN) {
      timers.startSingleTimer(
          "next", new NextEpoch(), FIRST_PAUSE.multipliedBy(1L << (attempts - 1)));
    }
    return this;
  }

  private Behavior<Command> onNextEpoch() {
    if (state == State.BETWEEN) {
      build();
    }
    return this;
  }

  private Behavior<Command> onTerminated(Terminated terminated) {
    for (int i = 0; i < shards.size(); i++) {
      ActorRef<ShardActor.Command> shard = shards.get(i);
      if (shard != null && shard.path().equals(terminated.getRef().path())) {
        shards.set(i, null);
        if (state != State.STOPPING) {
          lost(blueprint.monitors().get(i).name() + ": its actor has stopped", null);
        }
      }
    }
    if (terminated.getRef().path().equals(scheduler.path()) && state != State.STOPPING) {
      getContext().getLog().error("the scheduler has stopped");
      return onStop();
    }
    return stopped();
  }

  private Behavior<Command> onStop() {
    state = State.STOPPING;
    timers.cancelAll();
    getContext().stop(scheduler);
    for (ActorRef<ShardActor.Command> shard : shards) {
      if (shard != null) {
        shard.tell(new ShardActor.Stop());
      }
    }
    return stopped();
  }

  /** Stops when the last shard has, so that whoever watches knows that all of it is freed. */
  private Behavior<Command> stopped() {
    boolean ended = shards.stream().allMatch(shard -> shard == null);
    return state == State.STOPPING && ended ? Behaviors.stopped() : this;
  }
}
