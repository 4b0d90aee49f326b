package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.sluice.actors.scheduling.BatchScheduler;
import dev.sluice.actors.scheduling.FailureText;
import dev.sluice.actors.scheduling.LinkCommand;
import dev.sluice.actors.scheduling.RowResult;
import dev.sluice.actors.scheduling.SchedulerLimits;
import dev.sluice.actors.scheduling.SchedulerOutput;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.AgentRunner;
import org.jspecify.annotations.Nullable;

/**
 * Hosts the {@link BatchScheduler}: turns messages into its events, and what it decides into frames
 * for the first stage and messages for consumers. Has the head's ends of the links.
 */
final class SchedulerActor extends AbstractBehavior<SchedulerActor.Command> {
  private static final Duration RETRY = Duration.ofMillis(1);
  private static final Duration TICK = Duration.ofMillis(500);

  /** What it is told. */
  sealed interface Command {}

  /** A new request; {@code consumer} is told {@link Event}s, and {@link Failed} at most once. */
  record Submit(long id, TokenRequest request, int credit, ActorRef<Reply> consumer)
      implements Command {}

  /** The consumer takes so many events more. */
  record Credit(long id, int events) implements Command {}

  /** The consumer has gone. */
  record Cancel(long id) implements Command {}

  /** The stages of an epoch are ready. */
  record Attach(int epoch, LinkAddress firstStage, LinkAddress tokens, SchedulerLimits limits)
      implements Command {}

  /** The epoch is over: everything in the pipeline fails; answered when the links are closed. */
  record Detach(String reason, ActorRef<Detached> replyTo) implements Command {}

  /** There will be no pipeline any more: everything fails, now and later. */
  record GiveUp(String reason) implements Command {}

  record Detached() {}

  private record Results(int epoch, long microBatch, List<RowResult> rows) implements Command {}

  private record Closed(int epoch, int slot) implements Command {}

  private record Broken(int epoch, String reason) implements Command {}

  private enum Wake implements Command {
    FLUSH,
    TICK
  }

  /** What a consumer is told. */
  sealed interface Reply {}

  record Event(TokenEvent event) implements Reply {}

  record Failed(GenerationException reason) implements Reply {}

  /** The head's side has failed in an epoch: told to the coordinator. */
  record HeadFailed(int epoch, String reason) {}

  /**
   * What it needs of its surroundings.
   *
   * @param stepTimeout longest time of a micro-batch in flight, and of a frame that waits to be
   *     sent
   * @param stats where a snapshot is left after each message
   */
  record Surroundings(
      Transport transport,
      FailureText failureText,
      Duration stepTimeout,
      ActorRef<HeadFailed> coordinator,
      AtomicReference<PipelineStats.Scheduling> stats) {}

  private final Surroundings surroundings;
  private final TimerScheduler<Command> timers;
  private final BatchScheduler scheduler;
  private final Map<Long, ActorRef<Reply>> consumers = new HashMap<>();
  private int epoch = -1;
  private @Nullable Links links;
  private @Nullable String gaveUp;
  private long flushBlockedSince;
  private boolean flushBlocked;

  private record Links(
      FrameSender sender, HeadLinks head, FrameReceiver receiver, AgentRunner poller) {
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
  static Behavior<Command> create(Surroundings surroundings, SchedulerLimits limits) {
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
    this.scheduler =
        new BatchScheduler(limits, System::nanoTime, new Output(), surroundings.failureText());
    scheduler.suspend(unavailable("the pipeline is starting"));
    timers.startTimerWithFixedDelay(Wake.TICK, TICK);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onAnyMessage(this::onCommand)
        .onSignal(
            PostStop.class,
            _ -> {
              scheduler.failAll(unavailable("the pipeline was closed"));
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
      case Submit submit -> onSubmit(submit);
      case Credit credit -> scheduler.credit(credit.id(), credit.events());
      case Cancel cancel -> {
        consumers.remove(cancel.id());
        scheduler.cancel(cancel.id());
      }
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
      case Detach detach -> {
        detach(unavailable(detach.reason()));
        detach.replyTo().tell(new Detached());
      }
      case GiveUp giveUp -> {
        gaveUp = giveUp.reason();
        detach(unavailable(giveUp.reason()));
        scheduler.failAll(unavailable(giveUp.reason()));
      }
      case Wake wake -> {
        if (wake == Wake.TICK) {
          onTick();
        }
      }
    }
  }

  private void onSubmit(Submit submit) {
    String reason = gaveUp;
    if (reason != null) {
      submit.consumer().tell(new Failed(unavailable(reason)));
      return;
    }
    consumers.put(submit.id(), submit.consumer());
    scheduler.submit(submit.id(), submit.request(), submit.credit());
  }

  private void onAttach(Attach attach) {
    closeLinks();
    epoch = attach.epoch();
    try {
      links = open(attach);
    } catch (RuntimeException e) {
      getContext().getLog().warn("the head's links, epoch {}", epoch, e);
      String reason = "the head's links could not be opened: " + StageMonitor.describe(e);
      surroundings.coordinator().tell(new HeadFailed(epoch, reason));
      return;
    }
    scheduler.resume(attach.limits());
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
    scheduler.expire();
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
    if (current == null || current.head().flush()) {
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
      detach(new GenerationException(GenerationException.Kind.SHARD_FAILED, reason));
      surroundings.coordinator().tell(new HeadFailed(epoch, reason));
    }
  }

  private void detach(GenerationException reason) {
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

  private static GenerationException unavailable(String reason) {
    return new GenerationException(GenerationException.Kind.UNAVAILABLE, reason);
  }

  private final class Output implements SchedulerOutput {
    @Override
    public void send(LinkCommand command) {
      Links current = links;
      if (current == null) {
        throw new IllegalStateException("nothing can be sent, there is no pipeline: " + command);
      }
      current.head().send(command);
    }

    @Override
    public void deliver(long request, TokenEvent event) {
      ActorRef<Reply> consumer =
          event instanceof TokenEvent.Finished ? consumers.remove(request) : consumers.get(request);
      if (consumer != null) {
        consumer.tell(new Event(event));
      }
    }

    @Override
    public void fail(long request, GenerationException reason) {
      ActorRef<Reply> consumer = consumers.remove(request);
      if (consumer != null) {
        consumer.tell(new Failed(reason));
      }
    }
  }
}
