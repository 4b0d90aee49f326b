package dev.sluice.stages.flow;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/**
 * Ends the answer before a stop string, and holds back what may be the beginning of one until it is
 * decided. One piece for each token, in order: a token whose text is not decided waits, and those
 * behind it.
 *
 * <p>When a stop string is complete, the stream above is cancelled at once; what was held is
 * emitted without the stop string and whatever came behind its beginning, then the end. Takes one
 * element at a time, on demand; more than one for one demand only while text is undecided, so at
 * most as many as the longest stop string has characters, besides tokens without text.
 */
final class StopStage extends GraphStage<FlowShape<Decoded, TextEvent>> {
  private final List<String> stops;
  private final int[] prompt;
  private final LongSupplier clock;
  private final Inlet<Decoded> in = Inlet.create("Stop.in");
  private final Outlet<TextEvent> out = Outlet.create("Stop.out");
  private final FlowShape<Decoded, TextEvent> shape = FlowShape.of(in, out);

  /**
   * A stage for one generation.
   *
   * @param prompt ids of the prompt
   * @param clock nanoseconds, for the timings of an answer that a stop string ends
   */
  StopStage(List<String> stops, int[] prompt, LongSupplier clock) {
    this.stops = stops;
    this.prompt = prompt;
    this.clock = clock;
  }

  @Override
  public FlowShape<Decoded, TextEvent> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final StopMatcher matcher = new StopMatcher(stops);
    private final ArrayDeque<Decoded.Text> held = new ArrayDeque<>();
    private final ArrayDeque<TextEvent> ready = new ArrayDeque<>();
    private long heldLength;
    private boolean ended;
    private int tokens;
    private int cached;
    private long started;
    private long firstToken;
    private long lastToken;

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
              if (!ended) {
                failStage(
                    new GenerationException(
                        GenerationException.Kind.INTERNAL,
                        "the generator ended without saying why, after " + tokens + " tokens"));
              } else if (ready.isEmpty()) {
                completeStage();
              }
            }
          });
    }

    @Override
    public void preStart() {
      started = clock.getAsLong();
    }

    private void accept(Decoded event) {
      switch (event) {
        case Decoded.Scored scored -> ready.add(scored(scored.event()));
        case Decoded.Text text -> accept(text);
        case Decoded.Recovered(TokenEvent.Recovered(int before, Duration pause)) ->
            ready.add(new TextEvent.Recovered(before, pause));
        case Decoded.Reused(TokenEvent.Reused reused) -> cached = reused.tokens();
        case Decoded.Finished(TokenEvent.Finished finished) -> {
          release(heldLength);
          end(new TextEvent.Finished(finished.reason(), finished.usage(), finished.timings()));
        }
      }
    }

    private void accept(Decoded.Text text) {
      lastToken = clock.getAsLong();
      if (tokens++ == 0) {
        firstToken = lastToken;
      }
      held.add(text);
      String characters = text.text();
      for (int i = 0; i < characters.length(); i++) {
        heldLength++;
        int found = matcher.accept(characters.charAt(i));
        if (found > 0) {
          stop(heldLength - found);
          return;
        }
      }
      release(heldLength - matcher.undecided());
    }

    /** Emits the tokens all of whose text is among the first characters of what is held. */
    private void release(long certain) {
      long left = certain;
      while (!held.isEmpty() && held.getFirst().text().length() <= left) {
        Decoded.Text text = held.removeFirst();
        left -= text.text().length();
        heldLength -= text.text().length();
        ready.add(piece(text.token(), text.text()));
      }
    }

    private void stop(long certain) {
      long left = certain;
      for (Decoded.Text text : held) {
        int kept = (int) Math.min(left, text.text().length());
        left -= kept;
        ready.add(piece(text.token(), text.text().substring(0, kept)));
      }
      held.clear();
      Timings timings = new Timings(0, firstToken - started, lastToken - firstToken);
      Usage usage = new Usage(prompt.length, tokens, cached);
      end(new TextEvent.Finished(FinishReason.STOP, usage, timings));
    }

    private void end(TextEvent.Finished finished) {
      ready.add(finished);
      ended = true;
      cancel(in);
    }

    private void next() {
      TextEvent first = ready.poll();
      if (first != null) {
        push(out, first);
        if (ended && ready.isEmpty()) {
          completeStage();
        }
      } else {
        pull(in);
      }
    }

    private TextEvent.Piece piece(TokenEvent.Token token, String text) {
      return new TextEvent.Piece(
          text,
          token.id(),
          token.position(),
          token.logProbability(),
          token.logSumExp(),
          token.top());
    }

    private TextEvent.Scored scored(TokenEvent.Scored event) {
      OptionalDouble next = event.nextLogProbability();
      int id = prompt[event.position()];
      return new TextEvent.Scored(id, event.position(), next, event.logSumExp(), event.top());
    }
  }
}
