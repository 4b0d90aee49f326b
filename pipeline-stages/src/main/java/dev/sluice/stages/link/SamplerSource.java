package dev.sluice.stages.link;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;

/**
 * Takes one piece of work from a {@link SamplerInput} for each demand; sleeps when there is none,
 * until it is called.
 */
final class SamplerSource extends GraphStage<SourceShape<SamplerWork>> {
  private final SamplerInput input;
  private final Outlet<SamplerWork> out = Outlet.create("SamplerSource.out");
  private final SourceShape<SamplerWork> shape = SourceShape.of(out);

  SamplerSource(SamplerInput input) {
    this.input = input;
  }

  @Override
  public SourceShape<SamplerWork> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final Runnable wake;
    private boolean mine;

    Logic() {
      super(shape);
      var callback = createAsyncCallback((Object _) -> woken());
      wake = () -> callback.invoke(this);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              if (!tryPush()) {
                input.await(wake);
                // What came before the request to be called is found here, what comes after it
                // calls.
                if (tryPush()) {
                  input.awaitNoMore();
                }
              }
            }
          });
    }

    @Override
    public void preStart() {
      mine = input.materialize();
      if (!mine) {
        failStage(
            new IllegalStateException("the source of a sampler's input can be run once only"));
      }
    }

    @Override
    public void postStop() {
      if (mine) {
        input.awaitNoMore();
      }
    }

    private void woken() {
      if (isAvailable(out) && !tryPush()) {
        input.await(wake);
        if (tryPush()) {
          input.awaitNoMore();
        }
      }
    }

    /** Whether nothing is to be waited for: an element was pushed, or the stage has ended. */
    private boolean tryPush() {
      boolean ended =
          input.ended(); // before the queue: what was handed over before the end is taken
      SamplerWork work = input.poll();
      if (work != null) {
        push(out, work);
        return true;
      }
      if (ended) {
        Throwable failure = input.failure();
        if (failure != null) {
          failStage(failure);
        } else {
          completeStage();
        }
      }
      return ended;
    }
  }
}
