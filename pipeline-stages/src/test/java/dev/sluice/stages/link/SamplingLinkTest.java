package dev.sluice.stages.link;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.ActorSystem;
import dev.sluice.model.shard.MicroBatch;
import dev.sluice.stages.flow.TestSystems;
import dev.sluice.stages.sampling.SamplingParameters;
import dev.sluice.transport.Frame;
import dev.sluice.transport.FrameReceiver;
import dev.sluice.transport.FrameSender;
import dev.sluice.transport.LinkAddress;
import dev.sluice.transport.Transport;
import dev.sluice.transport.TransportConfig;
import dev.sluice.transport.codec.MessageHeaderDecoder;
import dev.sluice.transport.codec.SampledTokensDecoder;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The last node's whole stream over a real link. */
@Timeout(60)
class SamplingLinkTest {
  private static final int VOCABULARY = 100;
  private static final int STEPS = 500;
  private static final LinkAddress ADDRESS = new LinkAddress("aeron:ipc", 31);

  @Test
  void shouldSendTokensAndClosingsInOrder() throws Exception {
    ActorSystem system = TestSystems.create("sampling-link-test");
    try (Transport transport = Transport.launch(TransportConfig.defaults());
        FrameSender sender = transport.sender(ADDRESS);
        FrameReceiver receiver = transport.receiver(ADDRESS);
        SamplerInput input = new SamplerInput(2, 2, 2, VOCABULARY, 4)) {
      SamplingLimits limits = new SamplingLimits(0, VOCABULARY, 2, STEPS + 1);
      CompletionStage<Done> done =
          SamplingLink.graph(input, limits, NoVocabulary.NONE, sender, Duration.ofSeconds(30))
              .run(system);

      SamplingParameters greedy = SamplingParameters.GREEDY;
      byte[] payload = new byte[SequenceOpenCodec.encodedLength(greedy, 1)];
      SequenceOpenCodec.encode(new UnsafeBuffer(payload), 0, greedy, new int[] {0}, 1, 1);
      assertThat(input.tryOpen(0, 1, new UnsafeBuffer(payload), 0, payload.length)).isTrue();
      List<Integer> tokens = new ArrayList<>();
      List<Integer> closed = new ArrayList<>();
      int published = 0;
      boolean closing = false;
      while (closed.isEmpty()) {
        if (published < STEPS) {
          published += publish(input, published);
        } else if (!closing) {
          closing = input.tryClose(0, STEPS, new int[] {1}, 1);
        }
        receiver.poll(frame -> receive(frame, tokens, closed), 10);
      }
      input.complete();
      done.toCompletableFuture().get();

      assertThat(closed).containsExactly(1);
      assertThat(tokens).hasSize(STEPS);
      for (int i = 0; i < STEPS; i++) {
        assertThat(tokens.get(i)).isEqualTo((i * 7 + 3) % VOCABULARY);
      }
    } finally {
      TestSystems.stop(system);
    }
  }

  private static int publish(SamplerInput input, int step) {
    LogitsBuffer buffer = input.tryAcquire();
    if (buffer == null) {
      return 0;
    }
    buffer.batch().add(1, step, 1, MicroBatch.LAST_LOGITS);
    for (int id = 0; id < VOCABULARY; id++) {
      float logit = id == (step * 7 + 3) % VOCABULARY ? 1 : 0;
      buffer.logits().setAtIndex(ValueLayout.JAVA_FLOAT, id, logit);
    }
    input.publish(buffer, 0, step);
    return 1;
  }

  private static boolean receive(Frame frame, List<Integer> tokens, List<Integer> closed) {
    switch (frame.type()) {
      case TOKENS -> {
        assertThat(frame.microBatch()).isEqualTo(tokens.size());
        SampledTokensDecoder decoder = new SampledTokensDecoder();
        decoder.wrapAndApplyHeader(
            frame.payloadBuffer(), frame.payloadOffset(), new MessageHeaderDecoder());
        for (SampledTokensDecoder.ResultsDecoder result : decoder.results()) {
          assertThat(result.failure()).isZero();
          tokens.add(result.token());
        }
      }
      case CLOSE -> closed.add(frame.slot(0));
      case OPEN, STEP, REPLAY, KV -> throw new AssertionError(frame);
    }
    return true;
  }
}
