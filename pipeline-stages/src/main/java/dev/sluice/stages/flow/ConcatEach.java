package dev.sluice.stages.flow;

import akka.NotUsed;
import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.javadsl.Source;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractInOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes a source of each element and emits what they emit, one after the other. As {@code
 * flatMapConcat}, which however asks each source for an element before there is demand for it; here
 * demand alone pulls, and cancelling goes up at once.
 */
final class ConcatEach<A, B> extends GraphStage<FlowShape<A, B>> {
  private final Function<A, Source<B, NotUsed>> sources;
  private final Inlet<A> in = Inlet.create("ConcatEach.in");
  private final Outlet<B> out = Outlet.create("ConcatEach.out");
  private final FlowShape<A, B> shape = FlowShape.of(in, out);

  ConcatEach(Function<A, Source<B, NotUsed>> sources) {
    this.sources = sources;
  }

  @Override
  public FlowShape<A, B> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic(attributes);
  }

  private final class Logic extends GraphStageLogic {
    private final Attributes inherited;
    private @Nullable SubSinkInlet<B> current;

    Logic(Attributes inherited) {
      super(shape);
      this.inherited = inherited;
      setHandlers(
          in,
          out,
          new AbstractInOutHandler() {
            @Override
            public void onPush() {
              begin(sources.apply(grab(in)));
            }

            @Override
            public void onPull() {
              SubSinkInlet<B> source = current;
              if (source == null) {
                pull(in);
              } else if (!source.hasBeenPulled()) {
                source.pull();
              }
            }

            @Override
            public void onUpstreamFinish() {
              if (current == null) {
                completeStage();
              }
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              cancelCurrent(cause);
              cancelStage(cause);
            }
          });
    }

    private void begin(Source<B, NotUsed> source) {
      SubSinkInlet<B> inlet = new SubSinkInlet<>("ConcatEach.current");
      inlet.setHandler(
          new AbstractInHandler() {
            @Override
            public void onPush() {
              push(out, inlet.grab());
            }

            @Override
            public void onUpstreamFinish() {
              current = null;
              if (isClosed(in)) {
                completeStage();
              } else if (isAvailable(out)) {
                pull(in);
              }
            }
          });
      current = inlet;
      // The attributes as a default, not as the source's own: those would bring along the mark of
      // an
      // asynchronous boundary, and with it a buffer that asks for elements by itself.
      subFusingMaterializer().materialize(source.to(inlet.sink()), inherited);
      if (isAvailable(out)) {
        inlet.pull();
      }
    }

    private void cancelCurrent(Throwable cause) {
      SubSinkInlet<B> source = current;
      current = null;
      if (source != null && !source.isClosed()) {
        source.cancel(cause);
      }
    }

    @Override
    public void postStop() {
      SubSinkInlet<B> source = current;
      if (source != null && !source.isClosed()) {
        source.cancel();
      }
    }
  }
}
