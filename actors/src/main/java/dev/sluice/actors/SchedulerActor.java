package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.sluice.actors.kept.KeptSlot;
import dev.sluice.actors.scheduling.BatchScheduler;
import dev.sluice.actors.scheduling.FailureText;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.AgentRunner;
import org.jspecify.annotations.Nullable;

/**
 * The head of a pipeline. Hosts {@link HeadProtocol} and its scheduler: turns messages into their
 * events, and what they decide into frames for the first stage and messages for consumers. Has the
 * head's ends of the links.
 */
public final class SchedulerActor extends AbstractBehavior<SchedulerActor.Command> {
  private static final Duration RETRY = Duration.ofMillis(1);
  private static final Duration TICK = Duration.ofMillis(500);

  /** What it is told. */
  public sealed interface Command {}

  /**
   * A new submission of a generation.
   *
   * @param resume what the consumer has got of it from another head
   * @param granted events that the consumer has room for
   */
  public record Submit(
      GenerationId id, TokenRequest request, Resume resume, int granted, ActorRef<Reply> consumer)
      implements Command, WireMessage {}

  /**
   * What the consumer wants; said again now and then, lest one is lost.
   *
   * @param granted events that it has had room for since the submit, those that it got included
   * @param received events that it got since the submit
   */
  public record Demand(GenerationId id, int granted, int received, ActorRef<Reply> consumer)
      implements Command, WireMessage {}

  /** The consumer has gone. */
  public record Cancel(GenerationId id) implements Command, WireMessage {}

  /** The stages of an epoch are ready, and have something in the slots that are named. */
  public record Attach(
      int epoch,
      LinkAddress firstStage,
      LinkAddress tokens,
      SchedulerLimits limits,
      List<KeptSlot> kept)
      implements Command {}

  /** The epoch is over: what is in the pipeline waits for the next. */
  public record Detach(String reason) implements Command {}

  /** There will be no pipeline any more: everything fails, now and later. */
  public record GiveUp(String reason) implements Command {}

  private record Results(int epoch, long microBatch, List<RowResult> rows) implements Command {}

  private record Closed(int epoch, int slot) implements Command {}

  private record Broken(int epoch, String reason) implements Command {}

  private enum Wake implements Command {
    FLUSH,
    TICK
  }

  /** What a consumer is told. */
  public sealed interface Reply {
    GenerationId id();
  }

  /** An event, the {@code index}-th of this submission, from 0. */
  public record Event(GenerationId id, int index, TokenEvent event) implements Reply, WireMessage {}

  /** The generation has failed; nothing else comes of it. */
  public record Failed(GenerationId id, GenerationException reason) implements Reply, WireMessage {}

  /** To a {@link Demand}, or before the end of a head: no such generation is live here. */
  public record Unknown(GenerationId id) implements Reply, WireMessage {}

  /** To a {@link Demand} that was repeated: the generation is live, so many events were sent. */
  public record Delivered(GenerationId id, int count) implements Reply, WireMessage {}

  /** How the head's side does in an epoch: told to its node. */
  public sealed interface HeadEvent {
    int epoch();
  }

  /** It serves the stages. */
  public record HeadAttached(int epoch) implements HeadEvent {}

  /** It has failed. */
  public record HeadFailed(int epoch, String reason) implements HeadEvent {}

  /**
   * What it needs of its surroundings.
   *
   * @param stepTimeout longest time of a micro-batch in flight, and of a frame that waits to be
   *     sent
   * @param node told how the head does
   * @param stats where a snapshot is left after each message
   */
  public record Surroundings(
      Transport transport,
      FailureText failureText,
      Duration stepTimeout,
      ActorRef<HeadEvent> node,
      AtomicReference<PipelineStats.Scheduling> stats) {}

  private final Surroundings surroundings;
  private final TimerScheduler<Command> timers;
  private final HeadProtocol<ActorRef<Reply>> head;
  private final BatchScheduler scheduler;
  private int epoch = -1;
  private @Nullable Links links;
  private long flushBlockedSince;
  private boolean flushBlocked;

  private record Links(
      FrameSender sender, HeadLinks output, FrameReceiver receiver, AgentRunner poller) {
    void close() {
      Threads.close(poller);
      receiver.close();
      sender.close();
    }
  }

  /**
   * A scheduler without a pipeline: requests wait until {@link Attach}.
   *
   * @param limits until then
   */
  public static Behavior<Command> create(Surroundings surroundings, SchedulerLimits limits) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new SchedulerActor(context, timers, surroundings, limits)));
  }

  private SchedulerActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Surroundings surroundings,
      SchedulerLimits limits) {
    super(context);
    this.surroundings = surroundings;
    this.timers = timers;
    this.head =
        new HeadProtocol<>(
            limits, System::nanoTime, this::send, surroundings.failureText(), new Replies());
    this.scheduler = head.scheduler();
    timers.startTimerWithFixedDelay(Wake.TICK, TICK);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onAnyMessage(this::onCommand)
        .onSignal(
            PostStop.class,
            _ -> {
              head.leave();
              closeLinks();
              return this;
            })
        .build();
  }

  private Behavior<Command> onCommand(Command command) {
    try {
      handle(command);
      flush();
    } catch (RuntimeException e) {
      getContext().getLog().warn("the scheduler, epoch {}", epoch, e);
      broken("the scheduler: " + StageMonitor.describe(e));
    }
    surroundings.stats().set(scheduler.stats());
    return this;
  }

  private void handle(Command command) {
    switch (command) {
      case Submit(var id, var request, var resume, int granted, var consumer) ->
          head.submit(id, request, resume, granted, consumer);
      case Demand(var id, int granted, int received, var consumer) ->
          head.demand(id, granted, received, consumer);
      case Cancel cancel -> head.cancel(cancel.id());
      case Results results -> {
        if (results.epoch() == epoch && links != null) {
          scheduler.arrived(results.microBatch(), results.rows());
        }
      }
      case Closed closed -> {
        if (closed.epoch() == epoch && links != null) {
          scheduler.closed(closed.slot());
        }
      }
      case Broken broken -> {
        if (broken.epoch() == epoch) {
          broken(broken.reason());
        }
      }
      case Attach attach -> onAttach(attach);
      case Detach detach -> detach(detach.reason());
      case GiveUp giveUp -> {
        closeLinks();
        head.refuseAll(giveUp.reason());
      }
      case Wake wake -> {
        if (wake == Wake.TICK) {
          onTick();
        }
      }
    }
  }

  private void onAttach(Attach attach) {
    closeLinks();
    epoch = attach.epoch();
    try {
      links = open(attach);
    } catch (RuntimeException e) {
      getContext().getLog().warn("the head's links, epoch {}", epoch, e);
      String reason = "the head's links could not be opened: " + StageMonitor.describe(e);
      surroundings.node().tell(new HeadFailed(epoch, reason));
      return;
    }
    scheduler.resume(attach.limits(), attach.kept());
    surroundings.node().tell(new HeadAttached(epoch));
  }

  private Links open(Attach attach) {
    FrameSender sender = surroundings.transport().sender(attach.firstStage());
    FrameReceiver receiver;
    try {
      receiver = surroundings.transport().receiver(attach.tokens());
    } catch (RuntimeException e) {
      sender.close();
      throw e;
    }
    receiver.minimumEpoch(epoch);
    ActorRef<Command> self = getContext().getSelf();
    TokenLinkAgent agent =
        new TokenLinkAgent(
            receiver,
            epoch,
            new TokenLinkAgent.Listener() {
              @Override
              public void onResults(int ofEpoch, long microBatch, List<RowResult> results) {
                self.tell(new Results(ofEpoch, microBatch, results));
              }

              @Override
              public void onClosed(int ofEpoch, int slot) {
                self.tell(new Closed(ofEpoch, slot));
              }

              @Override
              public void onBroken(int ofEpoch, String reason) {
                self.tell(new Broken(ofEpoch, reason));
              }
            });
    return new Links(sender, new HeadLinks(sender, epoch), receiver, Threads.start(agent));
  }

  private void onTick() {
    head.expire();
    long limit = surroundings.stepTimeout().toNanos();
    if (links != null) {
      long now = System.nanoTime();
      if (scheduler.oldestStepNanos() > limit) {
        broken("a micro-batch did not come back within " + surroundings.stepTimeout());
      } else if (flushBlocked && now - flushBlockedSince > limit) {
        broken("the first stage took nothing for " + surroundings.stepTimeout());
      }
    }
  }

  private void flush() {
    Links current = links;
    if (current == null || current.output().flush()) {
      flushBlocked = false;
      return;
    }
    if (!flushBlocked) {
      flushBlocked = true;
      flushBlockedSince = System.nanoTime();
    }
    if (!timers.isTimerActive(Wake.FLUSH)) {
      timers.startSingleTimer(Wake.FLUSH, RETRY);
    }
  }

  private void broken(String reason) {
    if (links != null) {
      detach(reason);
      surroundings.node().tell(new HeadFailed(epoch, reason));
    }
  }

  private void detach(String reason) {
    scheduler.suspend(reason);
    closeLinks();
  }

  private void closeLinks() {
    Links current = links;
    links = null;
    flushBlocked = false;
    if (current != null) {
      current.close();
    }
  }

  private void send(LinkCommand command) {
    Links current = links;
    if (current == null) {
      throw new IllegalStateException("nothing can be sent, there is no pipeline: " + command);
    }
    current.output().send(command);
  }

  private static final class Replies implements HeadProtocol.Replies<ActorRef<Reply>> {
    @Override
    public void event(ActorRef<Reply> consumer, GenerationId id, int index, TokenEvent event) {
      consumer.tell(new Event(id, index, event));
    }

    @Override
    public void failed(ActorRef<Reply> consumer, GenerationId id, GenerationException reason) {
      consumer.tell(new Failed(id, reason));
    }

    @Override
    public void unknown(ActorRef<Reply> consumer, GenerationId id) {
      consumer.tell(new Unknown(id));
    }

    @Override
    public void delivered(ActorRef<Reply> consumer, GenerationId id, int count) {
      consumer.tell(new Delivered(id, count));
    }
  }
}
