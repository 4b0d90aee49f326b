package dev.sluice.actors.gateway;

import akka.NotUsed;
import akka.actor.typed.ActorRef;
import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Source;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import akka.stream.stage.TimerGraphStageLogic;
import dev.sluice.actors.SchedulerActor;
import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.Resume;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One generation as a source: hosts a {@link GenerationTracker}. It grants the head as many events
 * as it has room for, and more as its consumer takes them: so a consumer that does not read stops
 * its own sequence after that many events. Cancelling, or the end of the stream for whatever
 * reason, cancels the sequence.
 */
public final class GenerateStage extends GraphStage<SourceShape<TokenEvent>> {
  /** On its way from the stage to a consumer that runs on another thread. */
  private static final int HANDED_OVER = 1;

  private final HeadDirectory directory;
  private final TokenRequest request;
  private final int window;
  private final Duration patience;
  private final Outlet<TokenEvent> out = Outlet.create("GenerateStage.out");
  private final SourceShape<TokenEvent> shape = SourceShape.of(out);

  /**
   * Each materialization is a generation. It does not run on the consumer's thread: whatever that
   * waits for, the head hears that somebody is still there.
   *
   * @param window most events that the consumer has not taken, at least two
   * @param patience longest time without a sign of life from a head
   */
  public static Source<TokenEvent, NotUsed> source(
      HeadDirectory directory, TokenRequest request, int window, Duration patience) {
    return Source.fromGraph(
            new GenerateStage(directory, request, Math.max(1, window - HANDED_OVER), patience))
        .async()
        .via(
            Flow.<TokenEvent>create()
                .map(event -> event)
                .addAttributes(Attributes.inputBuffer(HANDED_OVER, HANDED_OVER)));
  }

  private GenerateStage(
      HeadDirectory directory, TokenRequest request, int window, Duration patience) {
    this.directory = directory;
    this.request = request;
    this.window = window;
    this.patience = patience;
  }

  @Override
  public SourceShape<TokenEvent> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic
      implements GenerationTracker.Output<ActorRef<SchedulerActor.Command>> {
    private final ArrayDeque<TokenEvent> unread = new ArrayDeque<>();
    private final GenerationTracker<ActorRef<SchedulerActor.Command>> tracker =
        new GenerationTracker<>(
            request, window, patience, GenerationId::random, System::nanoTime, this);
    private final Consumer<HeadDirectory.Head> subscriber;
    private final Consumer<SchedulerActor.Reply> listener;

    /** Where heads answer to, and the generation's number; from the first submission on. */
    private @Nullable ActorRef<SchedulerActor.Reply> replies;

    private OptionalLong sequence = OptionalLong.empty();

    Logic() {
      super(shape);
      AsyncCallback<HeadDirectory.Head> moved = createAsyncCallback(this::onHead);
      subscriber = moved::invoke;
      AsyncCallback<SchedulerActor.Reply> replied = createAsyncCallback(this::onReply);
      listener = replied::invoke;
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              TokenEvent event = unread.pollFirst();
              if (event != null) {
                hand(event);
              }
            }
          });
    }

    @Override
    public void preStart() {
      directory.subscribe(subscriber);
      scheduleWithFixedDelay("tick", GenerationTracker.RETRY, GenerationTracker.RETRY);
    }

    @Override
    public void postStop() {
      directory.unsubscribe(subscriber);
      sequence.ifPresent(directory::forget);
      tracker.cancel();
    }

    @Override
    public void onTimer(Object key) {
      tracker.tick();
    }

    private void onHead(HeadDirectory.Head head) {
      switch (head) {
        case HeadDirectory.At(var scheduler, var here) -> {
          replies = here;
          tracker.headAt(scheduler);
        }
        case HeadDirectory.Missing(String reason) -> tracker.headMissing(reason);
        case HeadDirectory.Unavailable(String reason, Duration after) ->
            tracker.unavailable(reason, after);
        case HeadDirectory.Closed(String reason) ->
            tracker.end(new GenerationException(GenerationException.Kind.UNAVAILABLE, reason));
      }
    }

    private void onReply(SchedulerActor.Reply reply) {
      switch (reply) {
        case SchedulerActor.Event(var id, int index, var event) ->
            tracker.onEvent(id, index, event);
        case SchedulerActor.Failed(var id, var reason) -> tracker.onFailed(id, reason);
        case SchedulerActor.Unknown(var id) -> tracker.onUnknown(id);
        case SchedulerActor.Delivered(var id, int count) -> tracker.onDelivered(id, count);
      }
    }

    private ActorRef<SchedulerActor.Reply> replies() {
      return Objects.requireNonNull(replies, "there is no head before the directory named one");
    }

    @Override
    public void submit(
        ActorRef<SchedulerActor.Command> head,
        GenerationId id,
        TokenRequest wanted,
        Resume resume,
        int granted) {
      if (sequence.isEmpty()) {
        sequence = OptionalLong.of(id.sequence());
        directory.listen(id.sequence(), listener);
      }
      head.tell(new SchedulerActor.Submit(id, wanted, resume, granted, replies()));
    }

    @Override
    public void demand(
        ActorRef<SchedulerActor.Command> head, GenerationId id, int granted, int received) {
      head.tell(new SchedulerActor.Demand(id, granted, received, replies()));
    }

    @Override
    public void cancel(ActorRef<SchedulerActor.Command> head, GenerationId id) {
      head.tell(new SchedulerActor.Cancel(id));
    }

    @Override
    public void emit(TokenEvent event) {
      if (isAvailable(out) && unread.isEmpty()) {
        hand(event);
      } else {
        unread.addLast(event);
      }
    }

    @Override
    public void fail(GenerationException reason) {
      failStage(reason);
    }

    private void hand(TokenEvent event) {
      push(out, event);
      if (event instanceof TokenEvent.Finished) {
        completeStage();
      } else {
        tracker.taken();
      }
    }
  }
}
