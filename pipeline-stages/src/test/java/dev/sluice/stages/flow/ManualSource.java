package dev.sluice.stages.flow;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A source driven by hand that sees every single pull: Akka's own TestSource stands behind an
 * asynchronous boundary, whose buffer asks for elements on its own account.
 */
final class ManualSource<T> extends GraphStage<SourceShape<T>> {
  private enum Signal {
    PULL,
    CANCEL
  }

  private static final long LIMIT_SECONDS = 30;
  private static final long QUIET_MILLIS = 50;

  private final Outlet<T> out = Outlet.create("ManualSource.out");
  private final SourceShape<T> shape = SourceShape.of(out);
  private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
  private final CompletableFuture<AsyncCallback<T>> pusher = new CompletableFuture<>();

  @Override
  public SourceShape<T> shape() {
    return shape;
  }

  void send(T element) {
    pusher.join().invoke(element);
  }

  void expectPull() throws InterruptedException {
    assertThat(signals.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo(Signal.PULL);
  }

  void expectCancel() throws InterruptedException {
    assertThat(signals.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo(Signal.CANCEL);
  }

  void expectNothing() throws InterruptedException {
    assertThat(signals.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS)).isNull();
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new GraphStageLogic(shape) {
      {
        setHandler(
            out,
            new AbstractOutHandler() {
              @Override
              public void onPull() {
                signals.add(Signal.PULL);
              }

              @Override
              public void onDownstreamFinish(Throwable cause) {
                signals.add(Signal.CANCEL);
                completeStage();
              }
            });
      }

      @Override
      public void preStart() {
        pusher.complete(createAsyncCallback(element -> push(out, element)));
      }
    };
  }
}
