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
import dev.sluice.actors.coordination.Attachment;
import dev.sluice.actors.coordination.EpochPlan;
import dev.sluice.actors.coordination.NodeDuties;
import dev.sluice.actors.coordination.NodeLoad;
import dev.sluice.actors.coordination.NodeOrder;
import dev.sluice.actors.coordination.NodeOutput;
import dev.sluice.actors.coordination.StageReport;
import dev.sluice.model.shard.LayerRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A node of a cluster, or the only one: hosts {@link NodeDuties}, has the stages and, where it is
 * the head, the scheduler as its children, and reports to the coordinator.
 */
public final class NodeActor extends AbstractBehavior<NodeActor.Command> {
  private static final Duration REPORT = Duration.ofMillis(500);

  /** What it is told. */
  public sealed interface Command {}

  /** A coordinator tells all that the node is to do. */
  record Order(NodeOrder order) implements Command, WireMessage {}

  /** A coordinator wants layers to be fetched that the node will be told to host. */
  record Fetch(String model, LayerRange range) implements Command, WireMessage {}

  /** Reports go there from now on. */
  public record Follow(ActorRef<CoordinatorActor.Command> coordinator) implements Command {}

  /** Somebody wants the node to be relieved; {@code done} is told when it is. */
  public record Leave(ActorRef<Relieved> done) implements Command {}

  /** The node has no part any more. */
  public record Relieved() {}

  /** Whoever runs the cluster wants the node's process to leave it. */
  public record Drain(ActorRef<CoordinatorActor.Answer> replyTo) implements Command, WireMessage {}

  /** Ends all stages and stops; watching tells when. */
  public record Stop() implements Command {}

  private record FromShard(ShardActor.Report report) implements Command {}

  private record Fetched(@Nullable Throwable failure) implements Command {}

  private record FromHead(SchedulerActor.HeadEvent event) implements Command {}

  private enum Tick implements Command {
    TICK
  }

  /** A stage's actor. */
  private static final class Hosted {
    final ActorRef<ShardActor.Command> actor;
    LayerRange range;
    int stage;

    Hosted(ActorRef<ShardActor.Command> actor, LayerRange range, int stage) {
      this.actor = actor;
      this.range = range;
      this.stage = stage;
    }
  }

  private final NodeEnvironment environment;
  private final NodeDuties duties;
  private final FetchAhead ahead;
  private final LoadMeter meter = new LoadMeter();
  private final ActorRef<ShardActor.Report> reports;
  private final ActorRef<SchedulerActor.HeadEvent> headEvents;
  private final List<Hosted> hosted = new ArrayList<>();

  /** Actors that are to stop and have not yet. */
  private final List<ActorRef<?>> ending = new ArrayList<>();

  private @Nullable ActorRef<SchedulerActor.Command> scheduler;
  private @Nullable ActorRef<CoordinatorActor.Command> coordinator;
  private @Nullable ActorRef<Relieved> leaver;
  private NodeLoad load = NodeLoad.NONE;
  private boolean changed;
  private boolean stopping;
  private int spawned;

  /** A node without a part. */
  public static Behavior<Command> create(NodeEnvironment environment) {
    return Behaviors.setup(
        context -> Behaviors.withTimers(timers -> new NodeActor(context, timers, environment)));
  }

  private NodeActor(
      ActorContext<Command> context, TimerScheduler<Command> timers, NodeEnvironment environment) {
    super(context);
    this.environment = environment;
    this.duties = new NodeDuties(environment.self(), new Output());
    this.ahead = new FetchAhead(environment.loader());
    reports = context.messageAdapter(ShardActor.Report.class, FromShard::new);
    headEvents = context.messageAdapter(SchedulerActor.HeadEvent.class, FromHead::new);
    timers.startTimerWithFixedDelay(Tick.TICK, REPORT);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onAnyMessage(this::onCommand)
        .onSignal(Terminated.class, this::onTerminated)
        .build();
  }

  private Behavior<Command> onCommand(Command command) {
    switch (command) {
      case Order order -> {
        if (!stopping) {
          duties.order(order.order());
          EpochPlan plan = duties.plan();
          if (plan != null) {
            environment.loader().foresee(plan.model());
          }
        }
      }
      case Follow follow -> {
        coordinator = follow.coordinator();
        changed = true;
      }
      case Leave leave -> {
        leaver = leave.done();
        duties.leave();
      }
      case Drain(var replyTo) -> {
        replyTo.tell(new CoordinatorActor.Answer(environment.self() + " leaves"));
        environment.drain().run();
      }
      case Fetch(String model, LayerRange range) -> {
        CompletableFuture<Void> coming = stopping ? null : ahead.begin(model, range);
        if (coming != null) {
          getContext().pipeToSelf(coming, (_, failure) -> new Fetched(failure));
        }
      }
      case Fetched(var failure) -> onFetched(failure);
      case FromShard(var report) -> onShard(report);
      case FromHead(var event) -> {
        switch (event) {
          case SchedulerActor.HeadAttached(int epoch) -> duties.headAttached(epoch);
          case SchedulerActor.HeadFailed(int epoch, String reason) ->
              duties.headFailed(epoch, reason);
        }
      }
      case Tick _ -> {
        load =
            meter.read(
                System.nanoTime(),
                environment.monitors().stages(),
                Objects.requireNonNullElse(
                    environment.scheduling().get(), PipelineStats.Scheduling.NONE));
        changed = true;
      }
      case Stop _ -> stop();
    }
    tell();
    return stopping && ending.isEmpty() ? Behaviors.stopped() : this;
  }

  private void onFetched(@Nullable Throwable failure) {
    changed = true;
    ActorRef<CoordinatorActor.Command> to = coordinator;
    if (to != null && failure != null && !(failure instanceof CancellationException)) {
      to.tell(new CoordinatorActor.CannotFetch(environment.self(), StageMonitor.describe(failure)));
    }
  }

  private void onShard(ShardActor.Report report) {
    switch (report) {
      case ShardActor.Fetching(int stage, int epoch, var progress) ->
          duties.stageLoading(epoch, stage, progress);
      case ShardActor.Ready(int stage, int epoch, var kv, var held, long restored) -> {
        if (restored > 0) {
          environment
              .log()
              .accept(
                  "epoch %d: stage %d has keys and values of %,d positions back"
                      .formatted(epoch, stage, restored));
        }
        duties.stageReady(epoch, StageReport.ready(stage, kv, held));
      }
      case ShardActor.LoadFailed(int stage, int epoch, var cause) -> {
        environment.failure().set(cause);
        String reason = name(stage) + " could not be loaded: " + StageMonitor.describe(cause);
        duties.stageEnded(epoch, stage, StageReport.State.FAILED, reason);
      }
      case ShardActor.Lost(int stage, int epoch, String reason) ->
          duties.stageEnded(epoch, stage, StageReport.State.LOST, reason);
    }
  }

  private String name(int stage) {
    return hosted.stream().anyMatch(h -> h.stage == stage)
        ? environment.monitors().of(stage).name()
        : "stage " + stage;
  }

  /** Reports, where there is something to say and somebody to say it to. */
  private void tell() {
    if (!changed || stopping) {
      return;
    }
    changed = false;
    ActorRef<CoordinatorActor.Command> to = coordinator;
    if (to != null) {
      to.tell(
          new CoordinatorActor.Report(
              duties.report(environment.resources().get(), load),
              getContext().getSelf(),
              scheduler));
    }
    ActorRef<Relieved> waiting = leaver;
    if (waiting != null && duties.relieved()) {
      leaver = null;
      waiting.tell(new Relieved());
    }
  }

  private void stop() {
    stopping = true;
    ahead.end();
    end(scheduler);
    scheduler = null;
    List.copyOf(hosted).forEach(this::end);
  }

  private void end(@Nullable ActorRef<SchedulerActor.Command> head) {
    if (head != null) {
      ending.add(head);
      getContext().stop(head);
    }
  }

  private void end(Hosted shard) {
    hosted.remove(shard);
    ending.add(shard.actor);
    shard.actor.tell(new ShardActor.Stop());
  }

  private Behavior<Command> onTerminated(Terminated terminated) {
    var path = terminated.getRef().path();
    if (!ending.removeIf(ref -> ref.path().equals(path))) {
      for (Hosted shard : List.copyOf(hosted)) {
        if (shard.actor.path().equals(path)) {
          String reason = name(shard.stage) + ": its actor has stopped";
          hosted.remove(shard);
          duties.stageEnded(duties.epoch(), shard.stage, StageReport.State.LOST, reason);
        }
      }
      ActorRef<SchedulerActor.Command> head = scheduler;
      if (head != null && head.path().equals(path)) {
        scheduler = null;
        duties.headEnded("the scheduler has stopped");
      }
    }
    tell();
    return stopping && ending.isEmpty() ? Behaviors.stopped() : this;
  }

  private final class Output implements NodeOutput {
    @Override
    public void host(EpochPlan plan, List<Integer> stages) {
      environment.monitors().host(plan.epoch(), plan, stages);
      List<Hosted> free = new ArrayList<>(hosted);
      Hosted[] chosen = new Hosted[stages.size()];
      for (int i = 0; i < chosen.length; i++) {
        LayerRange range = plan.stages().get(stages.get(i)).range();
        chosen[i] = take(free, range, true);
      }
      for (int i = 0; i < chosen.length; i++) {
        LayerRange range = plan.stages().get(stages.get(i)).range();
        Hosted shard = chosen[i] != null ? chosen[i] : take(free, range, false);
        assign(plan, stages.get(i), shard);
      }
      free.forEach(NodeActor.this::end);
      say(plan, stages);
    }

    /** One that has these layers already, or any other. */
    private @Nullable Hosted take(List<Hosted> free, LayerRange range, boolean exactly) {
      for (Hosted shard : free) {
        if (!exactly || shard.range.equals(range)) {
          free.remove(shard);
          return shard;
        }
      }
      return null;
    }

    private Hosted spawn(ShardResources resources, int stage, LayerRange range) {
      ActorRef<ShardActor.Command> actor =
          getContext()
              .spawn(
                  ShardActor.create(resources),
                  "shard-" + stage + "-" + ++spawned,
                  DispatcherSelector.blocking());
      getContext().watch(actor);
      Hosted shard = new Hosted(actor, range, 0);
      hosted.add(shard);
      return shard;
    }

    private void assign(EpochPlan plan, int stage, @Nullable Hosted existing) {
      LayerRange range = plan.stages().get(stage).range();
      ShardResources resources =
          new ShardResources(
              environment.loader(),
              environment.transport(),
              PlanParts.shape(plan),
              environment.monitors().of(stage),
              plan.sizes().stepTimeout(),
              environment.activationLog());
      Hosted shard = existing != null ? existing : spawn(resources, stage, range);
      shard.stage = stage;
      shard.range = range;
      shard.actor.tell(
          new ShardActor.Assign(
              PlanParts.assignment(plan, stage, environment.links()), resources, reports));
    }

    private void say(EpochPlan plan, List<Integer> stages) {
      for (int stage : stages) {
        environment
            .log()
            .accept(
                "epoch "
                    + plan.epoch()
                    + ": stage "
                    + stage
                    + " of "
                    + plan.stages().size()
                    + ", layers "
                    + plan.stages().get(stage).range()
                    + (stage == 0 ? ", and the head" : ""));
      }
    }

    @Override
    public void hostNothing() {
      environment.monitors().host(duties.epoch(), duties.plan(), List.of());
      if (!hosted.isEmpty()) {
        environment.log().accept("epoch " + duties.epoch() + ": no layers");
      }
      List.copyOf(hosted).forEach(NodeActor.this::end);
    }

    @Override
    public void startHead(EpochPlan plan) {
      SchedulerActor.Surroundings surroundings =
          new SchedulerActor.Surroundings(
              environment.transport(),
              environment.monitors()::failureText,
              plan.sizes().stepTimeout(),
              headEvents,
              environment.scheduling());
      Attachment unknown = new Attachment(Integer.MAX_VALUE, plan.sizes().pageTokens(), List.of());
      ActorRef<SchedulerActor.Command> started =
          getContext()
              .spawn(
                  SchedulerActor.create(surroundings, PlanParts.limits(plan, unknown)),
                  "scheduler-" + ++spawned);
      getContext().watch(started);
      scheduler = started;
    }

    @Override
    public void suspendHead(String reason) {
      ActorRef<SchedulerActor.Command> head = scheduler;
      if (head != null) {
        head.tell(new SchedulerActor.Detach(reason));
      }
    }

    @Override
    public void attachHead(EpochPlan plan, Attachment attachment) {
      ActorRef<SchedulerActor.Command> head = scheduler;
      if (head != null) {
        LinkPlan links = environment.links();
        head.tell(
            new SchedulerActor.Attach(
                plan.epoch(),
                links.link(plan, 0),
                links.link(plan, plan.stages().size()),
                PlanParts.limits(plan, attachment),
                attachment.kept()));
      }
    }

    @Override
    public void dropHead() {
      end(scheduler);
      scheduler = null;
    }

    @Override
    public void changed() {
      changed = true;
    }
  }
}
