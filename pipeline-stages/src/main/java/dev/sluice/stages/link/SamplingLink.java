package dev.sluice.stages.link;

import akka.Done;
import akka.stream.Attributes;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.RunnableGraph;
import dev.sluice.stages.grammar.TokenVocabulary;
import dev.sluice.transport.FrameSender;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** The whole stream of the last node: logits in, frames with tokens out. */
public final class SamplingLink {
  private SamplingLink() {}

  /**
   * A stream that runs until the input completes or fails, or the link fails; its value says which.
   * All in one island, so exactly one element is under way at a time.
   *
   * @param input what the shard's thread hands over; of this stream alone
   * @param limits what sampling has to reckon with
   * @param vocabulary what grammars are about; asked for when the first one comes
   * @param sender the token link; of this stream alone until it has ended
   * @param sendLimit how long one frame may wait for the link
   */
  public static RunnableGraph<CompletionStage<Done>> graph(
      SamplerInput input,
      SamplingLimits limits,
      Supplier<TokenVocabulary> vocabulary,
      FrameSender sender,
      Duration sendLimit) {
    return input
        .source()
        .via(new SamplingStage(limits, vocabulary))
        .toMat(new TokenSink(sender, sendLimit), Keep.right())
        .withAttributes(Attributes.name("sampling"));
  }
}
