package dev.sluice.stages.flow;

import akka.NotUsed;
import akka.stream.javadsl.Source;

/** Turns a request of token ids into a stream of tokens: the pipeline, seen from the gateway. */
@FunctionalInterface
public interface TokenGenerator {
  /**
   * A source that starts one generation each time it is materialized and emits as {@link
   * TokenEvent} says. It generates at most a stated number of tokens ahead of demand; cancelling it
   * takes the sequence out of the pipeline. It fails with a {@link GenerationException}.
   */
  Source<TokenEvent, NotUsed> generate(TokenRequest request);
}
