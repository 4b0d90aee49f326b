package dev.sluice.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import scala.runtime.BoxedUnit;

/**
 * One generation as a source. It gives the scheduler credit for as many events as it has room for,
 * and more as its consumer takes them: so a consumer that does not read stops its own sequence
 * after that many events. Cancelling, or the end of the stream for whatever reason, cancels the
 * sequence.
 */
final class GenerateStage extends GraphStage<SourceShape<TokenEvent>> {
  private static final AtomicLong IDS = new AtomicLong();

  private final ActorRef<SchedulerActor.Command> scheduler;
  private final TokenRequest request;
  private final int window;
  private final Outlet<TokenEvent> out = Outlet.create("GenerateStage.out");
  private final SourceShape<TokenEvent> shape = SourceShape.of(out);

  /**
   * A source for each materialization a generation.
   *
   * @param window most events that the consumer has not taken
   */
  GenerateStage(ActorRef<SchedulerActor.Command> scheduler, TokenRequest request, int window) {
    this.scheduler = scheduler;
    this.request = request;
    this.window = window;
  }

  @Override
  public SourceShape<TokenEvent> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final long id = IDS.incrementAndGet();
    private final ArrayDeque<TokenEvent> unread = new ArrayDeque<>();
    private int taken;
    private boolean ended;

    Logic() {
      super(shape);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              TokenEvent event = unread.pollFirst();
              if (event != null) {
                emit(event);
              }
            }
          });
    }

    @Override
    public void preStart() {
      StageActor self =
          getStageActor(
              received -> {
                onMessage(received._2());
                return BoxedUnit.UNIT;
              });
      self.watch(Adapter.toClassic(scheduler));
      scheduler.tell(new SchedulerActor.Submit(id, request, window, Adapter.toTyped(self.ref())));
    }

    @Override
    public void postStop() {
      if (!ended) {
        scheduler.tell(new SchedulerActor.Cancel(id));
      }
    }

    private void onMessage(Object message) {
      switch (message) {
        case SchedulerActor.Event event -> {
          ended |= event.event() instanceof TokenEvent.Finished;
          if (isAvailable(out) && unread.isEmpty()) {
            emit(event.event());
          } else {
            unread.addLast(event.event());
          }
        }
        case SchedulerActor.Failed failed -> {
          ended = true;
          failStage(failed.reason());
        }
        case akka.actor.Terminated _ -> {
          if (!ended) {
            ended = true;
            failStage(
                new GenerationException(
                    GenerationException.Kind.UNAVAILABLE, "the pipeline was closed"));
          }
        }
        default -> {}
      }
    }

    private void emit(TokenEvent event) {
      push(out, event);
      if (event instanceof TokenEvent.Finished) {
        completeStage();
        return;
      }
      // In halves of the window: fewer messages, and never more unread than the window.
      if (++taken >= Math.max(1, window / 2)) {
        if (!ended) {
          scheduler.tell(new SchedulerActor.Credit(id, taken));
        }
        taken = 0;
      }
    }
  }
}
