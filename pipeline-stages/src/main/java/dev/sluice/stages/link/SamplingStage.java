package dev.sluice.stages.link;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.transport.Frame;
import java.util.function.Supplier;

/**
 * Turns logits into tokens: a TOKENS frame for every micro-batch (also for one without logits, so
 * that the head knows it is through) and a CLOSE frame for every closing, in the order of the work.
 *
 * <p>Keeps for each slot what its opening said and the log of its tokens. A row of logits stands at
 * a position of its sequence: where the log knows the next token (the prompt being scored, a replay
 * after a recovery), the result carries that token and its logit; at the end of the log a token is
 * sampled and added to it. Failures of entries become results with their failure, and nothing fails
 * the stream.
 *
 * <p>Takes one element for each one it gives and buffers nothing. The frame that is emitted is
 * always the same object: it is valid until the next demand. So nothing that buffers may stand
 * behind this stage; {@link SamplingLink} joins it rightly.
 */
public final class SamplingStage extends GraphStage<FlowShape<SamplerWork, Frame>> {
  private final SamplingLimits limits;
  private final Supplier<TokenVocabulary> vocabulary;
  private final Inlet<SamplerWork> in = Inlet.create("SamplingStage.in");
  private final Outlet<Frame> out = Outlet.create("SamplingStage.out");
  private final FlowShape<SamplerWork, Frame> shape = FlowShape.of(in, out);

  /**
   * A stage without sequences.
   *
   * @param vocabulary what grammars are about; asked for when the first one comes
   */
  public SamplingStage(SamplingLimits limits, Supplier<TokenVocabulary> vocabulary) {
    this.limits = limits;
    this.vocabulary = vocabulary;
  }

  @Override
  public FlowShape<SamplerWork, Frame> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final SamplingState state = new SamplingState(limits, vocabulary);

    Logic() {
      super(shape);
      setHandlers(
          in,
          out,
          new AbstractInOutHandler() {
            @Override
            public void onPush() {
              Frame frame =
                  switch (grab(in)) {
                    case SamplerWork.Opened opened -> state.open(opened);
                    case LogitsBuffer step -> state.step(step);
                    case SamplerWork.Closed closed -> state.close(closed);
                  };
              if (frame == null) {
                pull(in);
              } else {
                push(out, frame);
              }
            }

            @Override
            public void onPull() {
              pull(in);
            }
          });
    }
  }
}
