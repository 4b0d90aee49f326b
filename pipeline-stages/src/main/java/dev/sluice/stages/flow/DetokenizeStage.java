package dev.sluice.stages.flow;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import dev.sluice.stages.tokenizer.IncrementalDecoder;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Gives each token its text, in whole characters. A token that ends inside a character waits for
 * the next event, since the replacement of what never becomes whole belongs to the last token; so
 * at most one token waits.
 */
final class DetokenizeStage extends GraphStage<FlowShape<TokenEvent, Decoded>> {
  private final Supplier<IncrementalDecoder> decoders;
  private final Inlet<TokenEvent> in = Inlet.create("Detokenize.in");
  private final Outlet<Decoded> out = Outlet.create("Detokenize.out");
  private final FlowShape<TokenEvent, Decoded> shape = FlowShape.of(in, out);

  DetokenizeStage(Supplier<IncrementalDecoder> decoders) {
    this.decoders = decoders;
  }

  @Override
  public FlowShape<TokenEvent, Decoded> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final IncrementalDecoder decoder = decoders.get();
    private final ArrayDeque<Decoded> ready = new ArrayDeque<>(2);
    private Decoded.@Nullable Text unfinished;

    Logic() {
      super(shape);
      setHandlers(
          in,
          out,
          new AbstractInOutHandler() {
            @Override
            public void onPush() {
              accept(grab(in));
              next();
            }

            @Override
            public void onPull() {
              next();
            }

            @Override
            public void onUpstreamFinish() {
              // The element after Finished does not exist; without it there was no proper end.
              if (ready.isEmpty()) {
                completeStage();
              }
            }
          });
    }

    private void accept(TokenEvent event) {
      switch (event) {
        case TokenEvent.Scored scored -> ready.add(new Decoded.Scored(scored));
        case TokenEvent.Token token -> {
          release("");
          Decoded.Text text = new Decoded.Text(token, decoder.accept(token.id()));
          if (decoder.isPending()) {
            unfinished = text;
          } else {
            ready.add(text);
          }
        }
        // It passes a token that waits for the rest of its character.
        case TokenEvent.Recovered recovered -> ready.add(new Decoded.Recovered(recovered));
        case TokenEvent.Reused reused -> ready.add(new Decoded.Reused(reused));
        case TokenEvent.Finished finished -> {
          release(decoder.finish());
          ready.add(new Decoded.Finished(finished));
        }
      }
    }

    private void release(String more) {
      Decoded.Text text = unfinished;
      if (text != null) {
        unfinished = null;
        ready.add(more.isEmpty() ? text : new Decoded.Text(text.token(), text.text() + more));
      }
    }

    private void next() {
      Decoded first = ready.poll();
      if (first != null) {
        push(out, first);
        if (ready.isEmpty() && isClosed(in)) {
          completeStage();
        }
      } else {
        pull(in);
      }
    }
  }
}
