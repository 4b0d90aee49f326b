package dev.sluice.stages.link;

import akka.Done;
import akka.japi.Pair;
import akka.stream.Attributes;
import akka.stream.Inlet;
import akka.stream.SinkShape;
import akka.stream.stage.AbstractGraphStageWithMaterializedValue;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStageLogic;
import akka.stream.stage.TimerGraphStageLogic;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameSender;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Sends frames on a link, in order, one at a time: the next is asked for when the last is sent
 * whole, so a link that is full holds the stream.
 *
 * <p>Never blocks its thread. A frame that the link does not take is offered again: a few times at
 * once, then some times each after other messages of the dispatcher had their turn, then by a
 * timer. After a stated time without success, and where the link is closed, the stream fails.
 *
 * <p>The materialized value completes when all is sent and the stream has ended, or fails with it.
 * The sender stays its opener's, and nobody else may offer on it.
 */
public final class TokenSink
    extends AbstractGraphStageWithMaterializedValue<SinkShape<Frame>, CompletionStage<Done>> {
  static final int SPINS = 16;
  static final int TURNS = 64;
  private static final Duration PAUSE = Duration.ofMillis(1);
  private static final String RETRY = "retry";

  private final ToLongFunction<Frame> link;
  private final long limitNanos;
  private final LongSupplier clock;
  private final Inlet<Frame> in = Inlet.create("TokenSink.in");
  private final SinkShape<Frame> shape = SinkShape.of(in);

  /**
   * A sink for one run.
   *
   * @param sender the link
   * @param limit how long one frame may wait for it, above 0
   */
  public TokenSink(FrameSender sender, Duration limit) {
    this(sender::offer, limit, System::nanoTime);
  }

  TokenSink(ToLongFunction<Frame> link, Duration limit, LongSupplier clock) {
    if (!limit.isPositive()) {
      throw new IllegalArgumentException("a limit of " + limit + ": must be above 0");
    }
    this.link = link;
    this.limitNanos = limit.toNanos();
    this.clock = clock;
  }

  @Override
  public SinkShape<Frame> shape() {
    return shape;
  }

  @Override
  public Pair<GraphStageLogic, CompletionStage<Done>> createLogicAndMaterializedValuePair(
      Attributes attributes) {
    CompletableFuture<Done> done = new CompletableFuture<>();
    return Pair.create(new Logic(done), done);
  }

  private final class Logic extends TimerGraphStageLogic {
    private final CompletableFuture<Done> done;
    private final AsyncCallback<Logic> again = createAsyncCallback(Logic::retry);
    private @Nullable Frame unsent;
    private @Nullable Throwable failure;
    private long since;
    private int turns;

    Logic(CompletableFuture<Done> done) {
      super(shape);
      this.done = done;
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              unsent = grab(in);
              turns = 0;
              since = clock.getAsLong();
              retry();
            }

            @Override
            public void onUpstreamFinish() {
              if (unsent == null) {
                completeStage();
              }
            }

            @Override
            public void onUpstreamFailure(Throwable cause) {
              failure = cause;
              failStage(cause);
            }
          });
    }

    @Override
    public void preStart() {
      // The last frame is sent also after the stream above has ended.
      setKeepGoing(true);
      pull(in);
    }

    @Override
    public void onTimer(Object key) {
      retry();
    }

    @Override
    public void postStop() {
      if (failure != null) {
        done.completeExceptionally(failure);
      } else if (unsent != null) {
        done.completeExceptionally(
            new TokenLinkException("the stream was stopped before its last frame was sent"));
      } else {
        done.complete(Done.getInstance());
      }
    }

    private void retry() {
      Frame frame = unsent;
      if (frame == null) {
        return;
      }
      for (int i = 0; i < SPINS; i++) {
        long position = link.applyAsLong(frame);
        if (position > 0) {
          sent();
          return;
        }
        if (position == FrameSender.CLOSED) {
          stop("the token link is closed; %s is not sent".formatted(frame));
          return;
        }
        Thread.onSpinWait();
      }
      if (clock.getAsLong() - since > limitNanos) {
        stop(
            "the token link has taken nothing for %d ms; %s is not sent"
                .formatted(limitNanos / 1_000_000, frame));
      } else if (turns < TURNS) {
        turns++;
        again.invoke(this);
      } else {
        scheduleOnce(RETRY, PAUSE);
      }
    }

    private void sent() {
      unsent = null;
      if (isClosed(in)) {
        completeStage();
      } else {
        pull(in);
      }
    }

    private void stop(String message) {
      TokenLinkException cause = new TokenLinkException(message);
      failure = cause;
      failStage(cause);
    }
  }
}
